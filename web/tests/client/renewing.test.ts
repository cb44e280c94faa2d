/** Tokens that end while one is connected, and memberships that others end, over every way. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { KlatschClient, Refusal, WAYS, type ClientOptions, type RoomFeed, type SocketLike } from "../../src/client";
import { FakeServer, type FakeRoom } from "./fake-server";

let server: FakeServer;
let room: FakeRoom;
const clients: KlatschClient[] = [];
const mina = { id: "mina", nickname: "Mina" };

beforeEach(async () => {
  server = await new FakeServer().start();
  room = server.addRoom("Kitchen");
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.stop();
  await server.stop();
});

function connect(options: Partial<ClientOptions>): KlatschClient {
  const client = new KlatschClient({
    url: server.url,
    identity: { token: server.addUser("Robin").token },
    backoff: { baseMs: 10, capMs: 50 },
    openSocket: (url) => new WebSocket(url) as unknown as SocketLike,
    ...options,
  });
  clients.push(client);
  client.attend(room.id);
  client.start();
  return client;
}

const until = (claim: () => void, timeout = 4000) => vi.waitFor(claim, { timeout, interval: 5 });
const bodies = (feed: RoomFeed) => feed.records.flatMap((record) => ("body" in record ? [record.body] : []));

async function live(client: KlatschClient): Promise<RoomFeed> {
  const feed = client.open(room.id);
  await until(() => expect(feed.state).toBe("live"));
  await until(() => expect(server.readers + server.connections).toBeGreaterThan(0));
  return feed;
}

describe.each(WAYS)("by %s", (choice) => {
  test("tokens end one after the other, and nobody notices", async () => {
    const renew = vi.fn<() => Promise<{ token: string; lifeMs: number }>>(async () => server.issue("Robin", 600));
    const client = connect({ choice, identity: { renew } });
    const phases: string[] = [];
    const feed = await live(client);
    client.on("state", ({ phase }) => phases.push(phase));
    for (let turn = 1; turn <= 8; turn += 1) {
      client.send(room.id, `own ${turn}`);
      server.say(room, mina, `hers ${turn}`);
      if (choice === "socket") server.push({ type: "refresh", expires_at: "", within_s: 5 });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await until(() => expect(client.outgoing(room.id)).toEqual([]));
    await until(() => expect(bodies(feed)).toHaveLength(16));
    expect(renew.mock.calls.length).toBeGreaterThan(2);
    expect(phases).toEqual([]);
  });

  test("a room that only members read is entered before it is read", async () => {
    room.private = true;
    server.say(room, mina, "among us");
    const feed = await live(connect({ choice }));
    server.say(room, mina, "welcome");
    await until(() => expect(bodies(feed)).toEqual(["among us", "welcome"]));
    expect(feed.records.map(({ seq }) => seq)).toEqual(room.records.map(({ seq }) => seq));
  });

  test("a token that the server no longer takes is replaced, and the connection comes back", async () => {
    const client = connect({ choice, identity: { token: "stale", renew: async () => server.addUser("Robin") } });
    const feed = await live(client);
    server.say(room, mina, "welcome");
    await until(() => expect(bodies(feed)).toEqual(["welcome"]));
  });

  test("a login that has ended is given up, and says so", async () => {
    const renew = vi.fn<() => Promise<never>>(async () => {
      throw Refusal.unauthenticated();
    });
    const client = connect({ choice, identity: { token: "stale", renew } });
    await until(() => expect(client.state).toMatchObject({ phase: "failed", code: "unauthenticated" }));
    expect(renew).toHaveBeenCalledTimes(choice === "socket" ? 1 : 2);
  });

  test("tokens that are not to be had now are asked for again", async () => {
    const away = new Refusal({ code: "auth_unavailable", message: "", retry: "later", retryAfterMs: 5 });
    let refusals = 3;
    const renew = async () => {
      refusals -= 1;
      if (refusals >= 0) throw away;
      return server.addUser("Robin");
    };
    const client = connect({ choice, identity: { renew } });
    await until(() => expect(client.state.phase).toBe("connected"));
  });
});

test("a socket that was asked for a new token shows it, once", async () => {
  const client = connect({ choice: "socket", identity: { ...server.addUser("Robin"), renew: async () => server.addUser("Robin") } });
  await live(client);
  const before = client.token;
  server.push({ type: "refresh", expires_at: "", within_s: 5 });
  await until(() => expect(server.refreshes).toHaveLength(1));
  expect(server.refreshes[0]?.["token"]).toBe(client.token);
  expect(client.token).not.toBe(before);
});

test("a token that the server takes but closes for at once is not renewed for ever", async () => {
  const renew = vi.fn<() => Promise<{ token: string }>>(async () => server.addUser("Robin"));
  server.intercept = (frame, { socket }) => {
    if (frame.type === "connect") socket.close(4500, "no");
    return frame.type === "connect";
  };
  const client = connect({ choice: "socket", identity: { token: "stale", renew } });
  await until(() => expect(client.state).toMatchObject({ phase: "failed", code: "unauthenticated" }));
  expect(renew).toHaveBeenCalledTimes(1);
});

describe.each(["events", "polling"] as const)("over HTTP, by %s", (choice) => {
  test.each([
    ["kicked", "not_a_member"],
    ["banned", "banned"],
  ] as const)("who is %s is parted, and reads no further", async (kind, code) => {
    const client = connect({ choice });
    const feed = await live(client);
    const { user } = server.addUser("Robin");
    server.act(room, kind, user);
    server.say(room, mina, "behind your back");
    await until(() => expect(feed.state).toBe("parted"));
    expect(feed.partedCode).toBe(code);
    expect(bodies(feed)).toEqual([]);
  });

  test("a room that is closed shows that record as its last, and parts", async () => {
    const feed = await live(connect({ choice }));
    server.note(room, "room_closed", mina, { reason: "done" });
    await until(() => expect(feed.state).toBe("parted"));
    expect(feed.partedCode).toBe("room_closed");
    expect(feed.records.at(-1)?.kind).toBe("room_closed");
  });
});

test("what another device calls us now is told, and what we were called before is not", async () => {
  const client = connect({ choice: "socket" });
  const { user } = server.addUser("Robin");
  server.note(room, "renamed", { ...user, nickname: "Rob" }, { nickname: "Robin" });
  const names: string[] = [];
  client.on("renamed", ({ nickname }) => names.push(nickname));
  await live(client);
  server.note(room, "renamed", user, { nickname: "Bobby" });
  await until(() => expect(names).toEqual(["Bobby"]));
  expect(client.user?.nickname).toBe("Bobby");
});
