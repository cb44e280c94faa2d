/** The three ways of being connected: chosen, remembered, found by itself, and the same room on each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bodies, enterRoom, eventually, inRoom, makeRoom, message, signIn, suite, write } from "./harness.mjs";

const NAMES = { socket: "WebSocket", events: "Server-sent events", polling: "Polling" };
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
    for (const [index, way] of Object.keys(NAMES).entries()) await connectedBy(people[index], way);
  });

  for (const way of ["events", "polling"]) {
    test(`over ${way} a message whose answer was lost is sent again and stands there once`, async () => {
      const { room } = await house.host(`Witness of ${way}`, `Lost answer ${way}`);
      const page = await by(house, way, `Unanswered ${way}`);
      await enterRoom(page, `Lost answer ${way}`);
      await connectedBy(page, way);
      const sent = [];
      let late;
      await page.route(/\/messages$/, async (route) => {
        const request = route.request();
        if (request.method() !== "POST") return route.continue();
        sent.push(request.postDataJSON());
        if (sent.length > 1) return route.continue();
        // On its way for so long that the page gives up before it arrives.
        late = { url: request.url(), method: "POST", headers: request.headers(), body: request.postData() };
        return route.abort();
      });
      await write(page, "twice");
      await eventually(async () => assert.deepEqual(await house.history(room.id), ["twice"]));
      const arrived = await fetch(late.url, late);
      assert.equal(arrived.status, 200);
      await write(page, "after");
      await eventually(async () => assert.deepEqual(await house.history(room.id), ["twice", "after"]));
      assert.deepEqual(await bodies(page), ["twice", "after"]);
      assert.deepEqual(sent.map(({ body }) => body), ["twice", "twice", "after"]);
      assert.equal(sent[0].client_id, sent[1].client_id);
    });

    test(`over ${way} one can leave, is told when one left elsewhere, and comes back`, async () => {
      await house.host(`Porter of ${way}`, `Hall ${way}`);
      const one = await by(house, way, `Twofold ${way}`);
      await enterRoom(one, `Hall ${way}`);
      const other = await one.context().newPage();
      await other.goto("/");
      await enterRoom(other, `Hall ${way}`);
      await connectedBy(other, way);
      await one.getByRole("button", { name: "Leave room" }).click();
      await one.getByRole("dialog").getByRole("button", { name: "Leave room" }).click();
      await one.getByText("Choose a room").waitFor();
      await other.getByText("You are no longer a member of this room.").waitFor();
      await other.getByRole("button", { name: "Enter again" }).click();
      await write(other, "back again");
      await message(other, "back again").waitFor();
    });

    test(`over ${way} what was said and written while the device was offline is there afterwards, once`, async () => {
      const { room, say } = await house.host(`Herald of ${way}`, `Tunnel ${way}`);
      const page = await by(house, way, `Commuter ${way}`);
      await enterRoom(page, `Tunnel ${way}`);
      for (let tunnel = 0; tunnel < 2; tunnel += 1) {
        await page.context().setOffline(true);
        await page.locator(".banner").getByText("The connection is lost").waitFor();
        await say(`outside ${tunnel}`);
        await write(page, `inside ${tunnel}`);
        await page.locator(".row-message.unsent").waitFor();
        await page.context().setOffline(false);
        await message(page, `outside ${tunnel}`).waitFor();
        await eventually(async () => assert.equal(await page.locator(".stamp-state").count(), 0));
      }
      const expected = [0, 1].flatMap((tunnel) => [`outside ${tunnel}`, `inside ${tunnel}`]);
      assert.deepEqual(await house.history(room.id), expected);
      assert.deepEqual(await bodies(page), expected);
      await connectedBy(page, way);
    });

    test(`over ${way} a page that nobody sees holds no connection, and still counts what is new`, async () => {
      const { say } = await house.host(`Knocker of ${way}`, `Curtain ${way}`);
      const page = await by(house, way, `Hidden ${way}`);
      await enterRoom(page, `Curtain ${way}`);
      const held = async (count) => eventually(async () => assert.equal(await holding(house, way), count));
      await held(1);
      await hide(page, true);
      await held(0);
      await say("are you there?");
      await eventually(async () => assert.match(await page.title(), /^\(1\)/));
      await held(0);
      await hide(page, false);
      await held(1);
      await say("there you are");
      await message(page, "there you are").waitFor({ timeout: 2_500 });
    });

    test(`over ${way} rooms elsewhere are counted as unread, and new ones appear`, async () => {
      const { say } = await house.host(`Caller of ${way}`, `Aside ${way}`);
      const page = await by(house, way, `Busy ${way}`);
      await enterRoom(page, `Aside ${way}`);
      await makeRoom(page, `Centre ${way}`);
      await say("psst");
      const link = page.getByRole("link", { name: new RegExp(`^Aside ${way}`) });
      await eventually(async () => assert.match(await link.textContent(), /1 unread/));
      await house.host(`Founder of ${way}`, `Founded ${way}`);
      await page.getByRole("link", { name: new RegExp(`^Founded ${way}`) }).waitFor({ timeout: 15_000 });
    });
  }

  test("with the room on screen in five windows over events, all hear and speak", async () => {
    const { say } = await house.host("Housekeeper", "Five");
    const page = await by(house, "events", "Fivefold");
    await enterRoom(page, "Five");
    const windows = [page];
    for (let count = 1; count < 5; count += 1) {
      const next = await page.context().newPage();
      await next.goto(page.url());
      await inRoom(next, "Five");
      windows.push(next);
    }
    await say("to all windows");
    for (const one of windows) await message(one, "to all windows").waitFor();
    for (const [index, one] of windows.entries()) {
      await write(one, `from window ${index}`);
      await message(page, `from window ${index}`).waitFor();
    }
  });
});

async function by(house, way, nickname) {
  const page = await house.visitor();
  await page.getByLabel("Connection").selectOption(NAMES[way]);
  await signIn(page, nickname);
  return page;
}

/** Three people in a room, one over each way. */
async function threeIn(house, nickname, name) {
  const people = [];
  for (const way of Object.keys(NAMES)) {
    const page = await by(house, way, `${nickname} by ${way}`);
    if (people.length === 0) await makeRoom(page, name);
    else await enterRoom(page, name);
    await connectedBy(page, way);
    people.push(page);
  }
  return people;
}

function connectedBy(page, way) {
  return page.locator(".room-way").getByText(NAMES[way]).waitFor();
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

/** Tells a page that it is hidden, or seen again, as the browser does when another tab comes to the front. */
async function hide(page, hidden) {
  await page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, value });
    Object.defineProperty(document, "visibilityState", { configurable: true, value: value ? "hidden" : "visible" });
    document.dispatchEvent(new Event("visibilitychange"));
    dispatchEvent(new Event(value ? "blur" : "focus"));
  }, hidden);
}

/** How many connections the server has that follow a room this way. */
async function holding(house, way) {
  const metrics = await fetch(new URL("/metrics", house.server.url)).then((answer) => answer.text());
  const transport = { events: "sse", polling: "poll" }[way];
  return Number(new RegExp(`^klatsch_connections\\{.*"${transport}".*\\} (\\d+)$`, "m").exec(metrics)?.[1]);
}

async function storm(page, who) {
  for (let turn = 0; turn < 10; turn += 1) await write(page, `${who} ${turn}`);
}
