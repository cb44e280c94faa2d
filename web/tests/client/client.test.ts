import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { KlatschClient, type ClientOptions, type RoomFeed, type RoomRecord, type SocketLike } from "../../src/client";
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

function connect(options: Partial<ClientOptions> = {}, to = server): KlatschClient {
  const { token } = to.addUser("Robin");
  const client = new KlatschClient({
    url: to.url,
    identity: { token },
    choice: "socket",
    backoff: { baseMs: 10, capMs: 50 },
    openSocket: (url) => new WebSocket(url) as unknown as SocketLike,
    ...options,
  });
  clients.push(client);
  client.start();
  return client;
}

const until = (claim: () => void) => vi.waitFor(claim, { timeout: 4000, interval: 5 });
const bodies = (feed: RoomFeed) => feed.records.flatMap((record) => ("body" in record ? [record.body] : []));
const seqs = (records: readonly RoomRecord[]) => records.map(({ seq }) => seq);

async function live(client: KlatschClient, id = room.id): Promise<RoomFeed> {
  const feed = client.open(id);
  await until(() => expect(feed.state).toBe("live"));
  return feed;
}

test("a room shows its history and then what is said, each record once", async () => {
  for (let count = 1; count <= 60; count += 1) server.say(room, mina, `old ${count}`);
  const feed = await live(connect({ firstPage: 50 }));
  server.say(room, mina, "new");
  await until(() => expect(bodies(feed).at(-1)).toBe("new"));
  expect(seqs(feed.records)).toEqual(Array.from({ length: 52 }, (_, index) => index + 11));
});

test("older pages continue the window downwards to its beginning", async () => {
  for (let count = 1; count <= 120; count += 1) server.say(room, mina, `old ${count}`);
  const client = connect({ firstPage: 50 });
  const feed = await live(client);
  expect(await client.loadOlder(room.id, 50)).toBe(true);
  expect(await client.loadOlder(room.id, 50)).toBe(false);
  expect(seqs(feed.records)).toEqual(Array.from({ length: 121 }, (_, index) => index + 1));
});

test("D3: through fifty cuts no record is missed and none is doubled", async () => {
  const client = connect();
  const feed = await live(client);
  for (let cut = 0; cut < 50; cut += 1) {
    server.say(room, mina, `before ${cut}`);
    server.cut();
    server.say(room, mina, `during ${cut}`);
    await until(() => expect(client.state.phase).toBe("connected"));
  }
  await until(() => expect(feed.records.length).toBe(room.records.length));
  expect(seqs(feed.records)).toEqual(seqs(room.records));
});

test("D4: a message whose ack was lost is sent again under the same id and stands there once", async () => {
  const client = connect();
  const feed = await live(client);
  let lost = 0;
  server.intercept = (frame) => {
    if (frame.type !== "send" || lost > 0) return false;
    lost += 1;
    const { user } = server.addUser("Robin");
    // In the log, but neither the ack nor the record gets through.
    room.records.push({ ...(room.records[0] as RoomRecord), seq: room.records.length + 1, kind: "message", sender: user, body: "hello", client_id: String(frame["client_id"]) });
    server.cut();
    return true;
  };
  client.send(room.id, "hello");
  client.send(room.id, "again");
  await until(() => expect(client.outgoing(room.id)).toEqual([]));
  expect(bodies(feed)).toEqual(["hello", "again"]);
  // The resume showed it before it had to be sent again.
  expect(server.sends.map((frame) => frame["body"])).toEqual(["again"]);
});

test("messages written without a connection wait, and arrive in their order", async () => {
  const client = connect();
  const feed = await live(client);
  server.intercept = () => true;
  server.cut();
  await until(() => expect(feed.state).toBe("waiting"));
  for (const body of ["one", "two", "three"]) client.send(room.id, body);
  expect(client.outgoing(room.id).map(({ state }) => state)).toEqual(["unsent", "unsent", "unsent"]);
  server.intercept = undefined;
  server.cut();
  await until(() => expect(bodies(feed)).toEqual(["one", "two", "three"]));
  expect(client.outgoing(room.id)).toEqual([]);
});

test("a refused message fails with its reason, and can be tried again as the same message", async () => {
  const client = connect();
  const feed = await live(client);
  let refusals = 1;
  server.intercept = (frame) => {
    if (frame.type !== "send" || refusals === 0) return false;
    refusals -= 1;
    server.push({ type: "error", id: frame.id, code: "invalid", message: "no", field: "body", retry: "no" });
    return true;
  };
  client.send(room.id, "first");
  client.send(room.id, "second");
  await until(() => expect(bodies(feed)).toEqual(["second"]));
  const [failed] = client.outgoing(room.id);
  expect(failed).toMatchObject({ state: "failed", body: "first" });
  expect(failed?.refusal?.code).toBe("invalid");
  if (failed !== undefined) client.retry(failed);
  await until(() => expect(bodies(feed)).toEqual(["second", "first"]));
  expect(server.sends.at(-1)?.["client_id"]).toBe(failed?.clientId);
});

test("a refusal that says later is tried again without anybody's help, and keeps the order", async () => {
  const client = connect();
  const feed = await live(client);
  let refusals = 2;
  server.intercept = (frame) => {
    if (frame.type !== "send" || refusals === 0) return false;
    refusals -= 1;
    server.push({ type: "error", id: frame.id, code: "rate_limited", message: "slow", retry: "later", retry_after_ms: 1 });
    return true;
  };
  client.send(room.id, "first");
  client.send(room.id, "second");
  await until(() => expect(bodies(feed)).toEqual(["first", "second"]));
});

test("a position that cannot be honoured, near enough, is filled over HTTP without a gap", async () => {
  const client = connect();
  const feed = await live(client);
  server.intercept = (frame, peer) => {
    if (frame.type !== "join") return false;
    server.intercept = undefined;
    for (let count = 0; count < 700; count += 1) room.records.push(said(room, `missed ${count}`));
    const position = { epoch: room.epoch, seq: room.records.length };
    const fields = { room: wireRoom(room), position, recovered: false, missing: { from: 1, to: position.seq } };
    peer.rooms.add(room.id);
    peer.socket.send(JSON.stringify({ id: frame.id, type: "joined", ...fields }));
    server.say(room, mina, "live");
    return true;
  };
  server.cut();
  await until(() => expect(bodies(feed).at(-1)).toBe("live"));
  expect(seqs(feed.records)).toEqual(seqs(room.records));
});

test("another epoch begins the window anew with the newest page", async () => {
  server.say(room, mina, "lost");
  const client = connect({ firstPage: 20 });
  const feed = await live(client);
  const resets = vi.fn<() => void>();
  feed.on("reset", resets);
  room.records = [];
  room.epoch = "e2";
  for (let count = 1; count <= 100; count += 1) room.records.push(said(room, `new ${count}`));
  server.cut();
  await until(() => expect(feed.position).toEqual({ epoch: "e2", seq: 100 }));
  expect(resets).toHaveBeenCalled();
  expect(bodies(feed)[0]).toBe("new 81");
  server.say(room, mina, "live");
  await until(() => expect(bodies(feed).at(-1)).toBe("live"));
});

test("a record that follows nothing makes the client fetch what is between", async () => {
  const feed = await live(connect());
  room.records.push(said(room, "never pushed"));
  server.say(room, mina, "pushed");
  await until(() => expect(bodies(feed)).toEqual(["never pushed", "pushed"]));
});

test("a worthless token is replaced by nickname and secret", async () => {
  server.addUser("Nele", "the-secret-of-nele");
  const client = connect({ identity: { token: "stale", nickname: "Nele", secret: "the-secret-of-nele" } });
  await until(() => expect(client.state.phase).toBe("connected"));
  expect(client.user?.nickname).toBe("Nele");
  expect(client.token).not.toBe("stale");
});

test.each([
  [4500, "unauthenticated"],
  [4501, "banned"],
  [4502, "broken_protocol"],
])("after %i the client gives up and says why", async (code, name) => {
  const client = connect();
  await until(() => expect(client.state.phase).toBe("connected"));
  server.closeAll(code);
  await until(() => expect(client.state).toMatchObject({ phase: "failed", code: name }));
  expect(server.connects).toHaveLength(1);
});

test.each([4000, 4001, 4002, 4003, 4499, 1011])("after %i the client comes back", async (code) => {
  const client = connect();
  await until(() => expect(client.state.phase).toBe("connected"));
  server.closeAll(code);
  await until(() => expect(server.connects).toHaveLength(2));
  await until(() => expect(client.state.phase).toBe("connected"));
});

test("a server that closes says how long to stay away", async () => {
  const client = connect();
  await until(() => expect(client.state.phase).toBe("connected"));
  const before = Date.now();
  server.closeAll(4000, 300);
  await until(() => expect(server.connects).toHaveLength(2));
  expect(Date.now() - before).toBeGreaterThanOrEqual(295);
});

test("a server that falls silent is asked, then given up, then looked for again", async () => {
  const silent = await new FakeServer({ heartbeatS: 0.5 }).start();
  const client = connect({}, silent);
  await until(() => expect(client.state.phase).toBe("connected"));
  let pings = 0;
  silent.intercept = (frame) => {
    if (frame.type === "ping") pings += 1;
    return frame.type === "ping";
  };
  await until(() => expect(silent.connects.length).toBeGreaterThan(1));
  expect(pings).toBeGreaterThan(0);
  client.stop();
  await silent.stop();
});

test("leaving ends the membership; what is said afterwards does not arrive", async () => {
  const client = connect();
  const feed = await live(client);
  await client.leave(room.id);
  server.say(room, mina, "behind your back");
  expect(room.members.size).toBe(0);
  expect(bodies(feed)).toEqual([]);
});

test("a membership that ended elsewhere parts the feed", async () => {
  const feed = await live(connect());
  server.push({ type: "parted", room: room.id, code: "not_a_member" });
  await until(() => expect(feed.state).toBe("parted"));
  expect(feed.partedCode).toBe("not_a_member");
});

test("a room that was left elsewhere is not entered again by a reconnect", async () => {
  const client = connect();
  const feed = await live(client);
  const { user } = server.addUser("Robin");
  server.move(room, user, "left");
  server.push({ type: "parted", room: room.id, code: "not_a_member" });
  await until(() => expect(feed.state).toBe("parted"));
  server.cut();
  await until(() => expect(server.connects).toHaveLength(2));
  await until(() => expect(client.state.phase).toBe("connected"));
  const other = server.addRoom("Other");
  await live(client, other.id);
  expect(room.members.has(user.id)).toBe(false);
  client.open(room.id);
  await until(() => expect(feed.state).toBe("live"));
  expect(seqs(feed.records)).toEqual(seqs(room.records));
});

test("a room that does not exist is refused, and says so", async () => {
  const feed = connect().open("nowhere");
  await until(() => expect(feed.state).toBe("refused"));
  expect(feed.refusal?.code).toBe("room_not_found");
});

test("watched rooms are told of again after a reconnect", async () => {
  const client = connect();
  const names: string[] = [];
  client.watchRooms();
  client.on("room", ({ room: changed }) => names.push(changed.name));
  await until(() => expect(client.state.phase).toBe("connected"));
  server.cut();
  await until(() => expect(server.connects).toHaveLength(2));
  await until(() => {
    server.addRoom("Garden");
    expect(names).toContain("Garden");
  });
});

function said(where: FakeRoom, body: string): RoomRecord {
  const seq = where.records.length + 1;
  return { room: where.id, seq, kind: "message", sender: mina, at: new Date().toISOString(), body };
}

function wireRoom({ id, name, epoch, records, members }: FakeRoom) {
  const head = { epoch, seq: records.length };
  return { id, name, created_at: "2026-01-01T00:00:00.000Z", created_by: mina, members: members.size, head };
}
