import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { KlatschClient, WAYS, type ClientOptions, type RoomFeed, type RoomRecord, type SocketLike, type Way } from "../../src/client";
import { Ways } from "../../src/client/ways";
import { FakeServer, type FakeRoom, type HttpCall } from "./fake-server";

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

function connect(options: Partial<ClientOptions> = {}): KlatschClient {
  const { token } = server.addUser("Robin");
  const client = new KlatschClient({
    url: server.url,
    identity: { token },
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
const seqs = (records: readonly RoomRecord[]) => records.map(({ seq }) => seq);
const wayOf = ({ state }: KlatschClient) => (state.phase === "connected" ? state.way : undefined);
const isSend = ({ method, path }: HttpCall) => method === "POST" && path.endsWith("/messages");
const isSocket = ({ path }: HttpCall) => path === "/api/socket";
const isStream = ({ path }: HttpCall) => path.endsWith("/events");

/** An answer to leaving that comes after the own record. */
const leavingSlowly: typeof fetch = async (url, init) => {
  const response = await fetch(url, init);
  if (init?.method === "DELETE") await new Promise((resolve) => setTimeout(resolve, 100));
  return response;
};

/** Lets up to so many seconds pass for the client in hardly any time, until `done`. Needs `vi.useFakeTimers`. */
async function elapse(seconds: number, done: () => boolean): Promise<void> {
  for (let second = 0; second < seconds && !done(); second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  }
}

const TIMERS = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] as const;

async function live(client: KlatschClient, id = room.id): Promise<RoomFeed> {
  const feed = client.open(id);
  await until(() => expect(feed.state).toBe("live"));
  return feed;
}

/** A room that is followed as it happens, not only caught up with. */
async function followed(client: KlatschClient): Promise<RoomFeed> {
  const feed = await live(client);
  await until(() => expect(server.readers + server.connections).toBeGreaterThan(0));
  return feed;
}

function bar(...barred: ((call: HttpCall) => boolean)[]): void {
  server.mishap = (call) => (barred.some((one) => one(call)) ? "drop" : undefined);
}

describe.each(WAYS)("by %s", (choice) => {
  test("history, what is said and what one says oneself stand there once, in one order", async () => {
    for (let count = 1; count <= 60; count += 1) server.say(room, mina, `old ${count}`);
    const client = connect({ choice, firstPage: 50 });
    const feed = await followed(client);
    expect(wayOf(client)).toBe(choice);
    server.say(room, mina, "hers");
    client.send(room.id, "mine");
    client.send(room.id, "mine again");
    await until(() => expect(bodies(feed).slice(-3)).toEqual(["hers", "mine", "mine again"]));
    await until(() => expect(client.outgoing(room.id)).toEqual([]));
    expect(seqs(feed.records)).toEqual(Array.from({ length: 54 }, (_, index) => index + 11));
  });

  test("D3: through twenty cuts no record is missed and none is doubled", async () => {
    const client = connect({ choice });
    const feed = await live(client);
    for (let cut = 0; cut < 20; cut += 1) {
      server.say(room, mina, `before ${cut}`);
      server.cut();
      server.say(room, mina, `during ${cut}`);
      await until(() => expect(bodies(feed).at(-1)).toBe(`during ${cut}`));
    }
    expect(seqs(feed.records)).toEqual(seqs(room.records));
  });

  test("another epoch begins the window anew with the newest page", async () => {
    server.say(room, mina, "lost");
    const client = connect({ choice, firstPage: 20 });
    const feed = await followed(client);
    room.records = [];
    room.epoch = "e2";
    server.move(room, server.addUser("Robin").user, "joined");
    for (let count = 1; count <= 100; count += 1) server.say(room, mina, `new ${count}`);
    server.cut();
    await until(() => expect(feed.position).toEqual({ epoch: "e2", seq: 101 }));
    expect(bodies(feed)).toEqual(Array.from({ length: 20 }, (_, index) => `new ${index + 81}`));
    server.say(room, mina, "live");
    await until(() => expect(bodies(feed).at(-1)).toBe("live"));
  });

  test("leaving ends the membership without a word of being thrown out, and other rooms go on", async () => {
    const other = server.addRoom("Garden");
    const client = connect({ choice, fetch: leavingSlowly });
    const feed = await followed(client);
    await live(client, other.id);
    const states: string[] = [];
    feed.on("changed", () => states.push(feed.state));
    await client.leave(room.id);
    server.say(room, mina, "behind your back");
    client.attend(other.id);
    server.say(other, mina, "over here");
    await until(() => expect(bodies(client.open(other.id))).toEqual(["over here"]));
    expect(states).not.toContain("parted");
    expect(room.members.size).toBe(0);
    expect(bodies(feed)).toEqual([]);
  });

  test("a worthless token is replaced by nickname and secret", async () => {
    server.addUser("Nele", "the-secret-of-nele");
    const client = connect({ choice, identity: { token: "stale", nickname: "Nele", secret: "the-secret-of-nele" } });
    await until(() => expect(wayOf(client)).toBe(choice));
    expect(client.user?.nickname).toBe("Nele");
  });

  test("a room that does not exist is refused, and says so", async () => {
    const feed = connect({ choice }).open("nowhere");
    await until(() => expect(feed.state).toBe("refused"));
    expect(feed.refusal?.code).toBe("room_not_found");
  });

  test("watched rooms are told of", async () => {
    const client = connect({ choice });
    const told = new Map<string, number>();
    client.watchRooms();
    client.on("room", ({ room: now }) => told.set(now.name, now.members));
    await followed(client);
    await until(() => expect(told.get("Kitchen")).toBe(1));
    server.move(room, mina, "joined");
    await until(() => expect(told.get("Kitchen")).toBe(2));
  });
});

describe.each(["events", "polling"] as const)("over HTTP, by %s", (choice) => {
  test.each(["drop", "lose"] as const)("D4: a message whose call was hit by %s is one record, under one id", async (mishap) => {
    const client = connect({ choice });
    const feed = await followed(client);
    const ids: (string | undefined)[] = [];
    server.mishap = (call) => {
      if (!isSend(call)) return undefined;
      ids.push(call.body["client_id"]);
      return ids.length === 1 ? mishap : undefined;
    };
    client.send(room.id, "hello");
    client.send(room.id, "again");
    await until(() => expect(client.outgoing(room.id)).toEqual([]));
    expect(bodies(feed)).toEqual(["hello", "again"]);
    expect(seqs(feed.records)).toEqual(seqs(room.records));
    expect(new Set(ids).size).toBe(2);
  });

  test("a membership that ended elsewhere parts the feed, and the own record comes with the return", async () => {
    const client = connect({ choice });
    const feed = await followed(client);
    server.move(room, server.addUser("Robin").user, "left");
    await until(() => expect(feed.state).toBe("parted"));
    expect(feed.partedCode).toBe("not_a_member");
    expect(feed.records.map(({ kind }) => kind)).toEqual(["joined"]);
    client.open(room.id);
    await until(() => expect(feed.records.map(({ kind }) => kind)).toEqual(["joined", "left", "joined"]));
    expect(feed.state).toBe("live");
  });

  test("only the room that is attended holds a connection; another one follows within seconds", async () => {
    const others = ["Garden", "Cellar", "Attic"].map((name) => server.addRoom(name));
    const client = connect({ choice });
    await followed(client);
    const feeds = await Promise.all(others.map(({ id }) => live(client, id)));
    expect(server.readers).toBe(1);
    for (const other of others) server.say(other, mina, `in ${other.name}`);
    await until(() => expect(feeds.flatMap(bodies)).toEqual(["in Garden", "in Cellar", "in Attic"]), 8000);
    expect(server.readers).toBe(1);
    client.attend(undefined);
    await until(() => expect(server.readers).toBe(0));
  }, 12_000);

  test("a refusal fails the message with its code and leaves the connection alone", async () => {
    const client = connect({ choice });
    const feed = await followed(client);
    room.members.clear();
    client.send(room.id, "unwanted");
    await until(() => expect(client.outgoing(room.id)[0]?.refusal?.code).toBe("not_a_member"));
    expect(wayOf(client)).toBe(choice);
    server.say(room, mina, "still here");
    await until(() => expect(bodies(feed)).toEqual(["still here"]));
  });

  test("a reader who is told to come later does, and the connection stays", async () => {
    const other = server.addRoom("Garden");
    const client = connect({ choice });
    const feed = await followed(client);
    const otherFeed = await live(client, other.id);
    const phases = new Set<string>();
    client.on("state", ({ phase }) => phases.add(phase));
    const refused = new Map<string, number>();
    server.mishap = ({ method, path }) => {
      const reads = method === "GET" && /messages$|events$/.test(path);
      refused.set(path, (refused.get(path) ?? 0) + 1);
      return reads && (refused.get(path) ?? 0) <= 1 ? "later" : undefined;
    };
    client.attend(other.id);
    server.say(other, mina, "looked at");
    server.say(room, mina, "visited");
    await until(() => expect([bodies(otherFeed), bodies(feed)]).toEqual([["looked at"], ["visited"]]), 14_000);
    expect([...phases]).toEqual([]);
    expect(refused.size).toBeGreaterThanOrEqual(2);
  }, 16_000);

  test("nothing is asked any more once the client stopped", async () => {
    const client = connect({ choice });
    await followed(client);
    client.stop();
    await until(() => expect(server.readers).toBe(0));
    const calls: string[] = [];
    server.mishap = ({ path }) => {
      calls.push(path);
      return undefined;
    };
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(calls).toEqual([]);
  });
});

test("a stream that falls silent is opened anew from its position, not sooner than that is certain", async () => {
  vi.useFakeTimers({ toFake: [...TIMERS] });
  try {
    const client = connect({ choice: "events" });
    const feed = client.open(room.id);
    await elapse(5, () => server.readers === 1);
    let streams = 0;
    server.mishap = (call) => {
      if (isStream(call)) streams += 1;
      return undefined;
    };
    server.forgetReaders();
    server.say(room, mina, "unheard");
    await elapse(50, () => streams > 0);
    expect([streams, bodies(feed)]).toEqual([0, []]);
    await elapse(20, () => bodies(feed).length > 0);
    expect([streams, bodies(feed)]).toEqual([1, ["unheard"]]);
  } finally {
    vi.useRealTimers();
  }
});

describe("automatic", () => {
  test.each<[string, Way, ((call: HttpCall) => boolean)[]]>([
    ["nothing is barred", "socket", []],
    ["the socket is barred", "events", [isSocket]],
    ["socket and events are barred", "polling", [isSocket, isStream]],
  ])("where %s it comes to %s, and loses nothing on the way", async (_, way, barred) => {
    bar(...barred);
    const client = connect();
    const feed = await live(client);
    client.send(room.id, "hello");
    await until(() => expect(wayOf(client)).toBe(way));
    await until(() => expect(client.outgoing(room.id)).toEqual([]));
    server.say(room, mina, "welcome");
    await until(() => expect(bodies(feed)).toEqual(["hello", "welcome"]));
  });

  test("a browser that forbids sockets by an exception is one where the socket is barred", async () => {
    const client = connect({
      openSocket: () => {
        throw new Error("forbidden");
      },
    });
    await until(() => expect(wayOf(client)).toBe("events"));
  });

  test("a socket that is swallowed, and a stream that is held back, are given up in time", async () => {
    server.mishap = (call) => (isSocket(call) || isStream(call) ? "mute" : undefined);
    vi.useFakeTimers({ toFake: [...TIMERS] });
    try {
      const client = connect();
      const feed = client.open(room.id);
      await elapse(25, () => wayOf(client) === "polling");
      expect(wayOf(client)).toBe("polling");
      vi.useRealTimers();
      server.say(room, mina, "through");
      await until(() => expect(bodies(feed)).toEqual(["through"]));
    } finally {
      vi.useRealTimers();
    }
  });

  test("a server that is away is no reason to change the way", async () => {
    const client = connect();
    await until(() => expect(wayOf(client)).toBe("socket"));
    server.mishap = () => "drop";
    server.cut();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(wayOf(client)).toBeUndefined();
    server.mishap = undefined;
    await until(() => expect(wayOf(client)).toBe("socket"));
  });

  test("a socket that is cut again and again soon after it opened gives way", async () => {
    const client = connect();
    for (let cut = 0; cut < 3; cut += 1) {
      await until(() => expect(wayOf(client)).toBe("socket"));
      server.cut();
      await until(() => expect(wayOf(client)).not.toBe("socket"));
    }
    await until(() => expect(wayOf(client)).toBe("events"));
  });

  test("a socket that once opened is given a second try after a server that came back", async () => {
    const client = connect();
    await until(() => expect(wayOf(client)).toBe("socket"));
    let tries = 0;
    server.mishap = (call) => (isSocket(call) && (tries += 1) === 1 ? "drop" : undefined);
    server.closeAll(4000);
    await until(() => expect(tries).toBe(2));
    await until(() => expect(wayOf(client)).toBe("socket"));
  });

  test("another network is another chance for the socket", async () => {
    bar(isSocket);
    const client = connect();
    await until(() => expect(wayOf(client)).toBe("events"));
    bar();
    client.poke();
    expect(wayOf(client)).toBe("events");
    client.networkChanged();
    await until(() => expect(wayOf(client)).toBe("socket"));
  });
});

describe("a chosen way", () => {
  test.each([
    ["socket", isSocket],
    ["events", isStream],
  ] as const)("%s that does not get through is kept, said to be obstructed, and tried again", async (choice, barred) => {
    server.mishap = (call) => (barred(call) ? "drop" : undefined);
    const client = connect({ choice });
    const feed = client.open(room.id);
    const obstructed = () => ("obstructed" in client.state ? client.state.obstructed : undefined);
    await until(() => expect(obstructed()).toBe(choice));
    server.mishap = undefined;
    await until(() => expect([wayOf(client), obstructed()]).toEqual([choice, undefined]));
    server.say(room, mina, "at last");
    await until(() => expect(bodies(feed)).toEqual(["at last"]));
  });

  test("changing it goes on where the other one stopped", async () => {
    const client = connect({ choice: "socket" });
    const feed = await live(client);
    for (const choice of ["polling", "events", "auto", "polling", "socket"] as const) {
      client.send(room.id, `before ${choice}`);
      client.choose(choice);
      await until(() => expect(wayOf(client)).toBe(choice === "auto" ? "socket" : choice));
      server.say(room, mina, `by ${choice}`);
      await until(() => expect(bodies(feed)).toContain(`by ${choice}`));
    }
    await until(() => expect(client.outgoing(room.id)).toEqual([]));
    expect(seqs(feed.records)).toEqual(seqs(room.records));
    expect(bodies(feed)).toHaveLength(10);
  });
});

test("a way is barred for five minutes, a chosen one is always tried, polling never is barred", () => {
  const ways = new Ways("auto");
  expect(ways.best(0)).toBe("socket");
  ways.bar("socket", 0);
  expect(ways.best(1)).toBe("events");
  ways.bar("events", 200_000);
  expect(ways.best(200_001)).toBe("polling");
  expect(ways.best(300_001)).toBe("socket");
  expect(ways.obstructed(1)).toBeUndefined();
  ways.choose("events");
  ways.bar("events", 0);
  expect([ways.best(1), ways.obstructed(1)]).toEqual(["events", "events"]);
  ways.heard("events");
  expect(ways.obstructed(1)).toBeUndefined();
  ways.choose("polling");
  ways.bar("polling", 0);
  expect(ways.obstructed(1)).toBeUndefined();
});

test("a way that carried something may fail to open once before it is barred", () => {
  const ways = new Ways("auto");
  ways.heard("socket");
  ways.failedToOpen("socket", 0);
  expect(ways.best(1)).toBe("socket");
  ways.failedToOpen("socket", 2);
  expect(ways.best(3)).toBe("events");
  ways.failedToOpen("events", 4);
  expect(ways.best(5)).toBe("polling");
});
