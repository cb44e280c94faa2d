/** Two people in one room: what they write, how it looks, what can go wrong with a message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bodies, composer, enterRoom, eventually, makeRoom, message, suite, write } from "./harness.mjs";

suite("talking", (house) => {
  test("two people read each other, in one order, with own and others' bubbles", async () => {
    const ada = await house.person("Ada");
    const ben = await house.person("Ben");
    await makeRoom(ada, "Salon");
    await enterRoom(ben, "Salon");
    for (let turn = 1; turn <= 5; turn += 1) {
      await write(ada, `ada ${turn}`);
      await message(ben, `ada ${turn}`).waitFor();
      await write(ben, `ben ${turn}`);
      await message(ada, `ben ${turn}`).waitFor();
    }
    const expected = [1, 2, 3, 4, 5].flatMap((turn) => [`ada ${turn}`, `ben ${turn}`]);
    assert.deepEqual(await bodies(ada), expected);
    assert.deepEqual(await bodies(ben), expected);
    assert.equal(await ada.locator(".row-message.own").count(), 5);
    assert.equal(await ben.locator(".row-message.own").count(), 5);
    await ben.getByText("Ada and Ben have joined").waitFor();
    await ben.getByRole("heading", { name: "Today" }).waitFor();
  });

  test("what two people write at once, they both see in the same order", async () => {
    const ada = await house.person("Ada at once");
    const ben = await house.person("Ben at once");
    await makeRoom(ada, "Storm");
    await enterRoom(ben, "Storm");
    await Promise.all([storm(ada, "ada"), storm(ben, "ben")]);
    await eventually(async () => {
      assert.equal((await bodies(ada)).length, 40);
      assert.deepEqual(await bodies(ada), await bodies(ben));
    });
    const own = (await bodies(ada)).filter((body) => body.startsWith("ada"));
    assert.deepEqual(own, Array.from({ length: 20 }, (_, turn) => `ada ${turn}`));
  });

  test("nothing in a body is taken for HTML, and only web addresses become links", async () => {
    const { say } = await house.host("Trickster", "Tricks");
    const page = await house.person("Careful");
    await enterRoom(page, "Tricks");
    const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>`;
    await say(evil);
    await say("javascript:alert(1) data:text/html,x https://example.org/a_(b)?c=d&e=<f>. http:// ftp://example.org");
    await message(page, evil).waitFor();
    assert.equal(await page.evaluate(() => "hacked" in window), false);
    assert.equal(await page.locator(".messages img, .messages script, .messages b").count(), 0);
    const links = page.locator(".messages a");
    await links.first().waitFor();
    assert.equal(await links.count(), 1);
    assert.equal(await links.getAttribute("href"), "https://example.org/a_(b)?c=d&e=");
    assert.match(await links.getAttribute("rel"), /noopener.*noreferrer/);
    assert.equal(await links.getAttribute("target"), "_blank");
  });

  test("Enter sends, Shift and Enter break the line, and an unfinished syllable is not sent", async () => {
    const page = await house.person("Typist");
    await makeRoom(page, "Keys");
    const input = composer(page);
    await input.pressSequentially("one");
    await input.press("Shift+Enter");
    await input.pressSequentially("two");
    const composing = (init) =>
      input.evaluate((element, fields) => {
        element.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...fields }));
      }, init);
    await composing({ isComposing: true });
    await composing({ keyCode: 229 });
    assert.equal(await input.inputValue(), "one\ntwo");
    await page.getByText("Nobody has written anything yet").waitFor();
    await input.press("Enter");
    await eventually(async () => assert.deepEqual(await bodies(page), ["one\ntwo"]));
    await page.getByText("Nobody has written anything yet").waitFor({ state: "detached" });
    assert.equal(await input.inputValue(), "");
  });

  test("white space alone and what is too long cannot be sent", async () => {
    const page = await house.person("Bounds");
    await makeRoom(page, "Bounds");
    await write(page, "   \n ");
    await composer(page).fill("한".repeat(2731));
    await page.getByText("Too long by 1 bytes").waitFor();
    await composer(page).press("Enter");
    assert.deepEqual(await bodies(page), []);
    await write(page, "한".repeat(2730));
    await eventually(async () => assert.equal((await bodies(page))[0]?.length, 2730));
  });

  test("a message shows how far it has come; a refused one can be tried again or discarded", async () => {
    const { room } = await house.host("Refuser", "Refusals");
    const page = await house.visitor();
    let verdict = "hold";
    let held;
    await page.routeWebSocket(/\/api\/socket$/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const frame = JSON.parse(text);
        if (frame.type !== "send" || verdict === "pass") {
          server.send(text);
          return;
        }
        const refusal = { type: "error", id: frame.id, code: "invalid", message: "no", retry: "no", field: "body" };
        held = () => socket.send(JSON.stringify(refusal));
      });
    });
    await page.reload();
    await page.getByLabel("Nickname").fill("Refused");
    await page.keyboard.press("Enter");
    await enterRoom(page, "Refusals");
    await write(page, "first");
    await page.locator(".row-message.sending").waitFor();
    await write(page, "second");
    await page.locator(".row-message.unsent").waitFor();
    held();
    await message(page, "first").getByText("Not sent").waitFor();
    await eventually(async () => assert.match(await message(page, "second").getAttribute("class"), /sending/));
    held();
    await message(page, "second").getByRole("button", { name: "Discard" }).click();
    verdict = "pass";
    await message(page, "first").getByRole("button", { name: "Try again" }).click();
    await eventually(async () => assert.deepEqual(await house.history(room.id), ["first"]));
    await eventually(async () => assert.equal(await page.locator(".stamp-state").count(), 0));
    assert.deepEqual(await bodies(page), ["first"]);
  });

  test("all of it can be done with the keyboard alone, and one always sees where one is", async () => {
    const page = await house.visitor();
    const press = (key) => page.keyboard.press(key);
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        const around = element?.closest(".composer-box") ?? element;
        if (element === document.body) return { name: "", outline: "none" };
        return { name: element?.getAttribute("aria-label") ?? element?.textContent, outline: getComputedStyle(around).outlineStyle };
      });
    const tabTo = async (name) => {
      for (let count = 0; count < 40; count += 1) {
        const now = await focused();
        if (name.test(now.name ?? "")) return;
        await press("Tab");
        const { name: label, outline } = await focused();
        assert.ok(label === "" || outline !== "none", `no focus is seen on ${label}`);
      }
      assert.fail(`the focus never came to ${name}`);
    };
    await page.locator("input:focus").waitFor();
    await page.keyboard.type("Keyboardist");
    await press("Enter");
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    await tabTo(/New room/);
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.locator("input:focus").waitFor();
    await page.keyboard.type("By hand");
    await press("Enter");
    await composer(page).waitFor();
    await eventually(async () => assert.match((await focused()).name ?? "", /^Message to By hand/));
    await page.keyboard.type("typed");
    await press("Enter");
    await message(page, "typed").waitFor();
    await tabTo(/Leave room/);
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await press("Escape");
    await eventually(async () => assert.match((await focused()).name ?? "", /Leave room/));
  });

  test("new messages of others are announced, and a flood is summed up", async () => {
    const { say } = await house.host("Crier", "Square");
    const page = await house.person("Listener");
    await enterRoom(page, "Square");
    await page.evaluate(() => {
      const region = document.querySelector("[aria-live=polite]");
      window.heard = [];
      new MutationObserver(() => window.heard.push(region.textContent)).observe(region, { subtree: true, characterData: true, childList: true });
    });
    await say("hear ye");
    await eventually(async () => assert.deepEqual(await page.evaluate(() => window.heard), ["Crier: hear ye"]));
    for (let count = 0; count < 30; count += 1) await say(`cry ${count}`);
    await eventually(async () => {
      const heard = await page.evaluate(() => window.heard);
      assert.match(heard.at(-1), /new messages$/);
    });
    const heard = await page.evaluate(() => window.heard);
    assert.ok(heard.length <= 4, `announced ${heard.length} times`);
  });
});

async function storm(page, who) {
  for (let turn = 0; turn < 20; turn += 1) await write(page, `${who} ${turn}`);
}
