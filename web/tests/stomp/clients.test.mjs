/**
 * Real STOMP clients, over a WebSocket and over SockJS: each library with its own idea of the protocol.
 * KLATSCH_IDLE_S=60 keeps heart-beats for so long; KLATSCH_STOMP_ALL=1 tries every library over every transport.
 */
import assert from "node:assert/strict";
import { after as atEnd, afterEach, before as atBegin, describe, test } from "node:test";
import { House, eventually } from "./house.mjs";
import { LIBRARIES } from "./libraries.mjs";
import { TRANSPORTS } from "./transports.mjs";

const IDLE = Number(process.env.KLATSCH_IDLE_S ?? 5) * 1000;
const ALL = process.env.KLATSCH_STOMP_ALL === "1";
const BEAT = 1500;

for (const library of Object.keys(LIBRARIES)) {
  for (const transport of Object.keys(TRANSPORTS)) {
    // The newest library stands for the others where only the transport differs.
    if (ALL || transport === "websocket" || library === "@stomp/stompjs") suite(library, transport);
  }
}

function suite(library, transport) {
  describe(`${library} over ${transport}`, () => {
    const house = new House({ "stomp.heartbeat_ms": BEAT, "stomp.unacked_max": 10 });
    atBegin(() => house.server.start());
    afterEach(() => house.empty());
    atEnd(() => house.close());
    const person = (nickname, beat) => house.person(library, transport, nickname, beat);

    test("connects, joins, sends durably and receives", async () => {
      const room = await house.room("talk");
      const [ada, bob] = [await person("Ada"), await person("Bob")];
      assert.equal(ada.session.welcome["user-name"], "Ada");
      const heard = [];
      bob.session.subscribe(`/topic/chat/${room.id}`, ({ body, headers }) => heard.push({ ...JSON.parse(body), headers }));
      await bob.say(room, { type: "JOIN" });
      await ada.say(room, { type: "JOIN" });
      const text = "Hä? 日本: 🎉\n\\n";
      await ada.say(room, { type: "CHAT", content: text, sender: "Mallory" }, { "x-thing": "kept" });
      await eventually(() => assert.equal(heard.length, 3));
      assert.deepEqual(heard.map(({ type, sender }) => [type, sender]), [["JOIN", "Bob"], ["JOIN", "Ada"], ["CHAT", "Ada"]]);
      assert.equal(heard[2].content, text);
      assert.equal(heard[2].headers["x-thing"], "kept");
      assert.deepEqual(await house.said(room), [text]);
    });

    test("is told why something was refused, and lives", async () => {
      const room = await house.room("refusals");
      const ada = await person("Ada");
      ada.tell(room, { content: "not inside" });
      await eventually(() => assert.deepEqual(ada.problems, ["not_a_member"]));
      await ada.say(room, { type: "JOIN" });
      await ada.say(room, { content: "inside" });
      assert.equal(ada.connections, 1);
    });

    test("gets history by after", async () => {
      const room = await house.room("history");
      const ada = await person("Ada");
      await ada.say(room, { type: "JOIN" });
      for (let n = 2; n <= 60; n += 1) ada.tell(room, { content: String(n) });
      await ada.say(room, { content: "61" });
      const { head } = await house.call("GET", `/api/rooms/${room.id}`);
      const heard = [];
      const after = `${head.epoch}:1`;
      ada.session.subscribe(`/topic/chat/${room.id}`, ({ body }) => heard.push(JSON.parse(body).content), { after });
      await eventually(() => assert.equal(heard.length, 60));
      assert.deepEqual(heard, Array.from({ length: 60 }, (_, n) => String(n + 2)));
    });

    test("commits and aborts transactions", async () => {
      const room = await house.room("transactions");
      const ada = await person("Ada");
      await ada.say(room, { type: "JOIN" });
      for (const [name, end] of [["t1", "commit"], ["t2", "abort"]]) {
        ada.session.begin(name);
        const receipts = ["1", "2"].map((n) => ada.tell(room, { content: `${name} ${n}` }, { transaction: name }));
        await ada.say(room, { content: `beside ${name}` });
        ada.session[end](name);
        if (end === "commit") await eventually(() => assert.ok(receipts.every((receipt) => ada.has(receipt))));
      }
      await ada.say(room, { content: "behind" });
      assert.deepEqual(await house.said(room), ["beside t1", "t1 1", "t1 2", "beside t2", "behind"]);
    });

    for (const mode of ["client", "client-individual"]) {
      test(`acknowledges in mode ${mode}`, async () => {
        const room = await house.room(`acks ${mode}`);
        const ada = await person("Ada");
        await ada.say(room, { type: "JOIN" });
        const heard = [];
        const take = (message) => {
          heard.push(JSON.parse(message.body).content);
          // One for all is enough only where it is cumulative.
          if (mode !== "client" || heard.length % 5 === 0) message.ack();
        };
        ada.session.subscribe(`/topic/chat/${room.id}`, take, { ack: mode });
        for (let n = 0; n < 40; n += 1) {
          await ada.say(room, { content: String(n) });
          await eventually(() => assert.equal(heard.length, n + 1));
        }
        assert.deepEqual([ada.connections, ada.problems], [1, []]);
      });
    }

    test(`keeps its heart-beats for ${IDLE / 1000} s of silence`, async () => {
      const room = await house.room("idle");
      const ada = await person("Ada", BEAT);
      await ada.say(room, { type: "JOIN" });
      await new Promise((next) => setTimeout(next, IDLE));
      await ada.say(room, { content: "still here" });
      assert.equal(ada.connections, 1);
    });

    test("resumes with the same headers after kill -9: nothing lost, nothing doubled", { timeout: 120_000 }, async () => {
      const room = await house.room("crash");
      const [ada, bob] = [await person("Ada", BEAT), await person("Bob", BEAT)];
      const { head } = await house.call("GET", `/api/rooms/${room.id}`);
      let position = `${head.epoch}:0`;
      const heard = [];
      bob.always((session) =>
        session.subscribe(
          `/topic/chat/${room.id}`,
          ({ body, headers }) => {
            position = `${headers.epoch}:${headers.seq}`;
            heard.push(Number(headers.seq), JSON.parse(body).content);
          },
          { after: position },
        ),
      );
      await ada.say(room, { type: "JOIN" });
      // What has no receipt when the connection comes back is sent again, under the same id.
      const open = new Map();
      const send = (text) => open.set(text, ada.tell(room, { content: text }, { "client-id": text }));
      ada.always(() => [...open.keys()].forEach(send));
      const settled = () => {
        for (const [text, receipt] of open) if (ada.has(receipt)) open.delete(text);
        assert.equal(open.size, 0);
      };
      const sent = [];
      for (let kill = 0; kill < 3; kill += 1) {
        for (let n = 0; n < 30; n += 1) {
          sent.push(`${kill}.${n}`);
          send(sent.at(-1));
          if (n === 15) await eventually(settled);
        }
        const before = [ada.connections, bob.connections];
        await house.server.kill();
        await house.server.start();
        await ada.connected(before[0] + 1);
        await bob.connected(before[1] + 1);
        await eventually(settled);
      }
      await eventually(() => assert.equal(heard.length, 2 * (sent.length + 1)));
      assert.deepEqual(await house.said(room), sent);
      assert.deepEqual(heard.filter((_, n) => n % 2 === 1), ["", ...sent]);
      assert.deepEqual(heard.filter((_, n) => n % 2 === 0), Array.from({ length: sent.length + 1 }, (_, n) => n + 1));
    });
  });
}
