/** When the connection is lost: the banner, what is written meanwhile, and a resume that shows nothing twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bodies, composer, enterRoom, eventually, makeRoom, message, suite, write } from "./harness.mjs";

suite("connection", (house) => {
  test("kill -9 in the middle of a talk: a banner, a resume, nothing lost, doubled or out of order", async () => {
    const ada = await house.person("Ada");
    const ben = await house.person("Ben");
    await makeRoom(ada, "Crash");
    await enterRoom(ben, "Crash");
    const { rooms } = await house.call("GET", "/api/rooms?name=Crash");
    const written = [];
    const writeOn = async (text) => {
      written.push(text);
      await write(ada, text);
    };
    for (let round = 0; round < 3; round += 1) {
      for (let turn = 0; turn < 5; turn += 1) await writeOn(`${round} before ${turn}`);
      await house.server.kill();
      await ada.locator(".banner").getByText("The connection is lost").waitFor();
      assert.match(await ada.locator("[aria-live=polite]").textContent(), /The connection is lost/);
      for (let turn = 0; turn < 3; turn += 1) await writeOn(`${round} during ${turn}`);
      await ada.locator(".row-message.unsent").first().waitFor();
      await house.server.start();
      await eventually(async () => {
        assert.equal(await ada.locator(".stamp-state").count(), 0);
        assert.deepEqual(await bodies(ben), await bodies(ada));
      }, 40_000);
      assert.equal(await ada.locator(".banner").count(), 0);
      assert.deepEqual(await bodies(ada), await house.history(rooms[0].id));
    }
    assert.deepEqual(await bodies(ada), written);
  });

  test("what was said while one was away is there after the return, once", async () => {
    const { room, say } = await house.host("Narrator", "Meanwhile");
    const page = await house.visitor();
    let sockets = [];
    let refuse = false;
    await page.routeWebSocket(/\/api\/socket$/, (socket) => {
      if (refuse) {
        void socket.close({ code: 4000, reason: "away" });
        return;
      }
      socket.connectToServer();
      sockets.push(socket);
    });
    await page.reload();
    await page.getByLabel("Nickname").fill("Traveller");
    await page.keyboard.press("Enter");
    await enterRoom(page, "Meanwhile");
    for (let trip = 0; trip < 10; trip += 1) {
      await say(`here ${trip}`);
      refuse = true;
      for (const socket of sockets) await socket.close({ code: 4000, reason: "away" });
      sockets = [];
      await say(`away ${trip}`);
      refuse = false;
      await page.getByRole("button", { name: "Try now" }).click({ timeout: 1000 }).catch(() => undefined);
      await message(page, `away ${trip}`).waitFor();
    }
    assert.deepEqual(await bodies(page), await house.history(room.id));
  });

  test("what one was writing is still there after the connection came back", async () => {
    const page = await house.person("Writer");
    await makeRoom(page, "Desk");
    await composer(page).fill("half a thou");
    await house.server.kill();
    await page.locator(".banner").waitFor();
    await house.server.start();
    await eventually(async () => assert.equal(await page.locator(".banner").count(), 0), 40_000);
    assert.equal(await composer(page).inputValue(), "half a thou");
    await composer(page).press("Enter");
    await message(page, "half a thou").waitFor();
  });
});
