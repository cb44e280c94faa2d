/** The three ways of being connected: chosen, remembered, found by itself, and the same room on each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bodies,
  connectedBy,
  enterRoom,
  eventually,
  inRoom,
  makeRoom,
  message,
  signIn,
  suite,
  WAYS,
  write,
} from "./harness.mjs";

const SOCKET = /\/api\/socket$/;
const STREAM = /\/events(\?|$)/;

suite("ways of being connected", (house) => {
  test("three people, one over each way, read the same at the same time, in one order", async () => {
    const people = await threeIn(house, "Together", "Same");
    const [ada, ben, cleo] = people;
    for (let turn = 0; turn < 3; turn += 1) {
      for (const [index, page] of people.entries()) {
        const text = `${index} says ${turn}`;
        await write(page, text);
        // Promptly, and not at the next visit: no way is to be noticed while one talks.
        await Promise.all(people.map((other) => message(other, text).waitFor({ timeout: 2_500 })));
      }
    }
    await Promise.all(people.map((page, index) => storm(page, `storm ${index}`)));
    await eventually(async () => {
      assert.equal((await bodies(ada)).length, 9 + 30);
      assert.deepEqual(await bodies(ben), await bodies(ada));
      assert.deepEqual(await bodies(cleo), await bodies(ada));
    });
    const { rooms } = await house.call("GET", "/api/rooms?name=Same");
    assert.deepEqual(await bodies(ada), await house.history(rooms[0].id));
    for (const page of people) {
      assert.equal(await page.locator(".row-message.own").count(), 13);
      assert.equal(await page.locator(".stamp-state").count(), 0);
      await eventually(async () => assert.match(await page.locator(".room-title").textContent(), /3 members/));
      assert.equal(await page.locator(".member-list li").count(), 3);
    }
  });

  test("the choice is made at the entrance, remembered over a reload, and can be changed inside", async () => {
    const page = await house.visitor();
    const calls = callsOf(page);
    await page.getByLabel("Connection").selectOption("Polling");
    await page.reload();
    assert.equal(await page.getByLabel("Connection").inputValue(), "polling");
    await signIn(page, "Chooser");
    await makeRoom(page, "Choices");
    await connectedBy(page, "polling");
    await page.reload();
    await inRoom(page, "Choices");
    await connectedBy(page, "polling");
    assert.deepEqual(calls.filter((url) => SOCKET.test(url) || STREAM.test(url)), []);
    await page.getByLabel("Connection").selectOption("Server-sent events");
    await connectedBy(page, "events");
    await eventually(async () =>
      assert.match(await page.locator("[aria-live=polite]").textContent(), /Connected by Server-sent events/),
    );
    await write(page, "by events");
    await message(page, "by events").waitFor();
  });

  for (const [barred, way] of [
    [[SOCKET], "events"],
    [[SOCKET, STREAM], "polling"],
  ]) {
    test(`automatic falls to ${way} by itself where ${barred.length} of the ways do not get through`, async () => {
      const { room, say } = await house.host(`Host of ${way}`, `Fallen to ${way}`);
      const page = await house.visitor();
      await bar(page, barred);
      await page.reload();
      await signIn(page, `Fallen to ${way}`);
      await enterRoom(page, `Fallen to ${way}`);
      await connectedBy(page, way);
      await say("hello");
      await message(page, "hello").waitFor({ timeout: 2_500 });
      await write(page, "hello yourself");
      await eventually(async () => assert.deepEqual(await house.history(room.id), ["hello", "hello yourself"]));
      await eventually(async () => assert.deepEqual(await bodies(page), ["hello", "hello yourself"]));
      assert.equal(await page.locator(".banner").count(), 0);
    });
  }

  test("a browser whose sockets fail altogether comes to events, and back to the socket on another network", async () => {
    const page = await house.visitor();
    await page.addInitScript(() => {
      const { WebSocket } = window;
      window.WebSocket = function open(url) {
        if (window.mended) return new WebSocket(url);
        throw new DOMException("forbidden", "SecurityError");
      };
    });
    await page.reload();
    await signIn(page, "Forbidden");
    await makeRoom(page, "Forbidding");
    await connectedBy(page, "events");
    await page.evaluate(() => {
      window.mended = true;
      dispatchEvent(new Event("online"));
    });
    await connectedBy(page, "socket");
    await write(page, "mended");
    await message(page, "mended").waitFor();
  });

  test("a chosen way that does not get through says so, and automatic is one press away", async () => {
    const page = await house.visitor();
    await bar(page, [SOCKET]);
    await page.getByLabel("Connection").selectOption("WebSocket");
    await page.reload();
    await signIn(page, "Stubborn");
    const alert = page.getByRole("alert");
    await alert.getByText("WebSocket cannot get through here").waitFor();
    await alert.getByRole("button", { name: "Use automatic" }).click();
    await makeRoom(page, "Way out");
    await connectedBy(page, "events");
    await eventually(async () => assert.equal(await page.locator(".banner").count(), 0));
    assert.equal(await page.getByLabel("Connection").inputValue(), "auto");
  });

  test("kill -9 under three ways at once: each resumes, nothing is lost, doubled or out of order", async () => {
    const people = await threeIn(house, "Survivor", "Killed");
    const { rooms } = await house.call("GET", "/api/rooms?name=Killed");
    for (let round = 0; round < 2; round += 1) {
      for (const [index, page] of people.entries()) await write(page, `${round} before ${index}`);
      await house.server.kill();
      for (const [index, page] of people.entries()) {
        await page.locator(".banner").getByText("The connection is lost").waitFor();
        await write(page, `${round} during ${index}`);
        await page.locator(".row-message.unsent").first().waitFor();
      }
      await house.server.start();
      await eventually(async () => {
        const history = await house.history(rooms[0].id);
        assert.equal(history.length, 6 * (round + 1));
        for (const page of people) {
          assert.equal(await page.locator(".stamp-state").count(), 0);
          assert.deepEqual(await bodies(page), history);
        }
      }, 40_000);
    }
    for (const [index, way] of Object.keys(WAYS).entries()) await connectedBy(people[index], way);
  });
});

/** Three people in a room, one over each way. */
async function threeIn(house, nickname, name) {
  const people = [];
  for (const way of Object.keys(WAYS)) {
    const page = await house.personBy(way, `${nickname} by ${way}`);
    if (people.length === 0) await makeRoom(page, name);
    else await enterRoom(page, name);
    await connectedBy(page, way);
    people.push(page);
  }
  return people;
}

/** Lets nothing through to what `patterns` match, as a proxy would that knows neither sockets nor streams. */
async function bar(page, patterns) {
  for (const pattern of patterns) {
    if (pattern !== SOCKET) {
      await page.route(pattern, (route) => route.abort());
      continue;
    }
    await page.addInitScript(() => {
      const { WebSocket } = window;
      // Nobody listens on the discard port: the browser's own failure of a connection.
      window.WebSocket = function open() {
        return new WebSocket("ws://127.0.0.1:9/");
      };
    });
  }
}

function callsOf(page) {
  const urls = [];
  page.on("request", (request) => urls.push(request.url()));
  page.on("websocket", (socket) => urls.push(socket.url()));
  return urls;
}

async function storm(page, who) {
  for (let turn = 0; turn < 10; turn += 1) await write(page, `${who} ${turn}`);
}
