/** Reading back: history, the unread line, small screens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bodies, enterRoom, eventually, message, suite, write } from "./harness.mjs";

/** More rows than this in the document would make a long history slow. */
const ROWS = 260;

suite("reading", (house) => {
  test("history loads backwards to its beginning, keeps the reader's place, and bounds the document", async () => {
    const { say } = await house.host("Historian", "Archive");
    for (let count = 1; count <= 600; count += 1) await say(`entry ${count}`);
    const page = await house.person("Reader");
    await enterRoom(page, "Archive");
    await message(page, "entry 600").waitFor();

    const seen = new Set(await bodies(page));
    for (let scrolls = 0; scrolls < 200 && !seen.has("entry 1"); scrolls += 1) {
      const moved = await scrollUp(page);
      assert.ok(moved <= 2, `what was read jumped by ${moved} px`);
      const now = await bodies(page);
      assert.equal(new Set(now).size, now.length, "a message stands there twice");
      assert.ok(now.length <= ROWS, `${now.length} rows in the document`);
      const numbers = now.map((body) => Number(body.replace("entry ", "")));
      assert.ok(numbers.every((number, index) => index === 0 || number === numbers[index - 1] + 1), "not in order");
      for (const body of now) seen.add(body);
    }
    assert.equal(seen.size, 600);
    await page.getByText("This is where “Archive” begins.").waitFor();

    await say("while reading");
    await page.getByRole("button", { name: "1 new message" }).click();
    await eventually(async () => assert.ok(await message(page, "while reading").isVisible()));
    await eventually(async () => assert.ok((await bodies(page)).length <= 140));
    assert.equal(await page.getByRole("button", { name: "To the newest message" }).count(), 0);
  });

  test("a crowd that comes in does not hide what was said before", async () => {
    const { room, say } = await house.host("Doorman", "Foyer");
    for (let count = 1; count <= 5; count += 1) await say(`before ${count}`);
    for (let count = 1; count <= 150; count += 1) {
      const { token } = await house.call("POST", "/api/users", { body: { nickname: `Guest ${count}` } });
      await house.call("PUT", `/api/rooms/${room.id}/members/me`, { token });
    }
    const page = await house.person("Last to come");
    await enterRoom(page, "Foyer");
    await message(page, "before 1").waitFor();
    await page.getByText("Guest 1, Guest 2, Guest 3 and 148 others have joined").waitFor();
  });

  test("at the very top more is loaded without further scrolling", async () => {
    const { say } = await house.host("Miner", "Shaft");
    for (let count = 1; count <= 200; count += 1) await say(`depth ${count}`);
    const page = await house.person("Digger");
    await enterRoom(page, "Shaft");
    await message(page, "depth 200").waitFor();
    for (let jumps = 0; jumps < 6; jumps += 1) {
      await page.getByRole("log").evaluate((scroller) => scroller.scrollTo(0, 0));
      await eventually(async () => {
        const top = await page.getByRole("log").evaluate(({ scrollTop }) => scrollTop);
        assert.ok(top > 0 || (await message(page, "depth 1").count()) === 1);
      });
    }
    await message(page, "depth 1").waitFor();
  });

  test("who reads further up is not pulled down by new messages", async () => {
    const { say } = await house.host("Talker", "Stream");
    for (let count = 1; count <= 80; count += 1) await say(`line ${count}`);
    const page = await house.person("Ponderer");
    await enterRoom(page, "Stream");
    await message(page, "line 80").waitFor();
    await page.getByRole("log").evaluate((element) => element.scrollBy(0, -600));
    const place = await topRow(page);
    for (let count = 1; count <= 10; count += 1) await say(`more ${count}`);
    await page.getByRole("button", { name: "10 new messages" }).waitFor();
    const now = await rowAt(page, place.key);
    assert.ok(Math.abs(now - place.top) <= 2, `moved by ${now - place.top} px`);
  });

  test("on return a line stands before what is new, in the list, too", async () => {
    const { say } = await house.host("Writer", "Letters");
    await house.host("Else", "Elsewhere");
    for (let count = 1; count <= 30; count += 1) await say(`old ${count}`);
    const page = await house.person("Absent");
    await enterRoom(page, "Letters");
    await message(page, "old 30").waitFor();
    assert.equal(await page.locator(".row-unread").count(), 0);

    await enterRoom(page, "Elsewhere");
    for (let count = 1; count <= 3; count += 1) await say(`new ${count}`);
    const link = page.getByRole("link", { name: /^Letters/ });
    await eventually(async () => assert.match(await link.textContent(), /3 unread/));
    await eventually(async () => assert.match(await page.title(), /^\(3\)/));
    await link.click();
    await afterLine(page, "new 1");
    await eventually(async () => assert.equal(await link.locator(".unread-badge").count(), 0));

    // The same after the page was closed altogether.
    const context = page.context();
    await page.close();
    for (let count = 1; count <= 2; count += 1) await say(`newer ${count}`);
    const again = await context.newPage();
    await again.goto("/");
    await enterRoom(again, "Letters");
    await afterLine(again, "newer 1");
    await write(again, "read it");
    await message(again, "read it").waitFor();
    await eventually(async () => assert.equal(await again.locator(".row-unread").count(), 0));
  });

  test("at 390 pixels nothing is wider than the screen, and list and room take turns", async () => {
    const { say } = await house.host("A nickname of just thirty-two ch", `Long ${"name ".repeat(14)}`.trim());
    await say("x".repeat(600));
    await say(`https://example.org/${"path/".repeat(60)}`);
    const page = await house.visitor({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const fits = async (where) => {
      const wide = await page.evaluate(() => {
        const rights = [...document.querySelectorAll("button, select, input, textarea, .bubble, .stamp")].map(
          (element) => element.getBoundingClientRect().right,
        );
        const inner = [...document.querySelectorAll(".messages-scroller, .room-lists")].map(
          (element) => innerWidth + element.scrollWidth - element.clientWidth,
        );
        return Math.max(document.documentElement.scrollWidth, ...rights, ...inner);
      });
      assert.ok(wide <= 390.5, `${where} is ${wide} px wide`);
    };
    await fits("sign-in");
    await page.getByLabel("Nickname").fill("Phone");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.getByRole("link", { name: /^Long/ }).waitFor();
    await fits("the list");
    await page.getByRole("link", { name: /^Long/ }).click();
    await page.locator(".row-message").nth(1).waitFor();
    await fits("the room");
    assert.equal(await page.getByRole("navigation", { name: "Rooms" }).isVisible(), false);
    await page.getByRole("button", { name: "Show members" }).click();
    await page.getByRole("complementary", { name: "Members" }).getByText("Phone").waitFor();
    await fits("the members");
    await page.getByRole("button", { name: "Hide members" }).first().click();
    await page.getByRole("button", { name: "Back to the rooms" }).click();
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    await page.goBack();
    await page.getByRole("log").waitFor();
  });
});

/** The row that is uppermost in view, and where. */
function topRow(page) {
  return page.getByRole("log").evaluate((scroller) => {
    const edge = scroller.getBoundingClientRect().top;
    const row = [...scroller.querySelectorAll(".row-message")].find((one) => one.getBoundingClientRect().bottom > edge);
    return { key: row.dataset.key, top: row.getBoundingClientRect().top };
  });
}

function rowAt(page, key) {
  return page.locator(`[data-key="${key}"]`).evaluate((row) => row.getBoundingClientRect().top);
}

/** Scrolls up a little, waits for what that loads, and says by how many pixels the reader's place moved against it. */
async function scrollUp(page) {
  await page.getByRole("log").evaluate((scroller) => scroller.scrollBy(0, -500));
  const place = await topRow(page);
  await page.evaluate(() => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))));
  await eventually(async () => assert.equal(await page.getByText("Loading earlier messages").count(), 0));
  return Math.abs((await rowAt(page, place.key)) - place.top);
}

async function afterLine(page, body) {
  const line = page.locator(".row-unread");
  await line.waitFor();
  const next = page.locator(".row-unread + .row-message .body");
  assert.equal(await next.textContent(), body);
  assert.equal(await line.count(), 1);
  await eventually(async () => assert.ok(await line.isVisible()));
}
