/** Server-sent events and polling: what goes over HTTP there, and what it must not cost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bodies, connectedBy, enterRoom, eventually, inRoom, makeRoom, message, suite, write } from "./harness.mjs";

suite("over HTTP", (house) => {
  for (const way of ["events", "polling"]) {
    test(`over ${way} a message whose answer was lost is sent again and stands there once`, async () => {
      const { room } = await house.host(`Witness of ${way}`, `Lost answer ${way}`);
      const page = await house.personBy(way, `Unanswered ${way}`);
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
      const one = await house.personBy(way, `Twofold ${way}`);
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
      const page = await house.personBy(way, `Commuter ${way}`);
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
      const page = await house.personBy(way, `Hidden ${way}`);
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
      const page = await house.personBy(way, `Busy ${way}`);
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
    const page = await house.personBy("events", "Fivefold");
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
