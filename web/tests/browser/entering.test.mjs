/** Coming in: nicknames, languages, appearance, the list of rooms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enterRoom, eventually, inRoom, makeRoom, message, signIn, suite, write } from "./harness.mjs";

suite("entering", (house) => {
  test("a taken nickname says so in place, and another one works", async () => {
    await house.person("Mina");
    const page = await house.visitor();
    await page.getByLabel("Nickname").fill("mina");
    await page.keyboard.press("Enter");
    const error = page.getByRole("alert");
    await error.waitFor();
    assert.match(await error.textContent(), /already goes by that name/);
    assert.equal(await page.getByLabel("Nickname").getAttribute("aria-invalid"), "true");
    await signIn(page, "Mina the second");
  });

  test("an empty and an impossible nickname are told apart", async () => {
    const page = await house.visitor();
    await page.getByRole("button", { name: "Start chatting" }).click();
    assert.match(await page.getByRole("alert").textContent(), /Enter a nickname/);
    await page.getByLabel("Nickname").fill("x".repeat(40));
    await page.keyboard.press("Enter");
    await eventually(async () => assert.match(await page.getByRole("alert").textContent(), /cannot be used/));
  });

  test("who comes back is still the same person, in the same rooms", async () => {
    const page = await house.person("Returner");
    await makeRoom(page, "Return");
    await page.reload();
    await inRoom(page, "Return");
    await write(page, "still me");
    await message(page, "still me").waitFor();
    assert.equal(await page.locator(".row-message.own").count(), 1);
    assert.equal(await page.locator(".row-moves").count(), 1);
  });

  test("a room that somebody makes appears with everybody, and its members are counted live", async () => {
    const maker = await house.person("Maker");
    const watcher = await house.person("Watcher");
    await makeRoom(maker, "Fresh");
    const link = watcher.getByRole("link", { name: /^Fresh/ });
    await link.waitFor();
    await eventually(async () => assert.match(await link.textContent(), /1 member/));
    await link.click();
    await inRoom(watcher, "Fresh");
    await eventually(async () => assert.match(await maker.locator(".room-title").textContent(), /2 members/));
    await maker.getByRole("complementary", { name: "Members" }).getByText("Watcher").waitFor();
  });

  test("a taken room name offers to enter that room", async () => {
    await house.host("First", "Parlour");
    const page = await house.person("Second");
    await page.getByRole("button", { name: "New room" }).click();
    await page.getByLabel("Name of the room").fill("PARLOUR");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("already a room called “Parlour”").waitFor();
    await page.getByRole("button", { name: "Enter that room" }).click();
    await inRoom(page, "Parlour");
  });

  test("search finds rooms by part of their name, and offers to make what is not there", async () => {
    await house.host("Gardener", "Rose garden");
    await house.host("Cook", "Kitchen talk");
    const page = await house.person("Searcher");
    const search = page.getByRole("searchbox", { name: "Search rooms" });
    await search.fill("GARD");
    await page.getByRole("link", { name: /^Rose garden/ }).waitFor();
    assert.equal(await page.getByRole("link", { name: /^Kitchen talk/ }).count(), 0);
    await search.fill("Observatory");
    await page.getByRole("button", { name: "Make “Observatory”" }).click();
    await page.getByRole("button", { name: "Make room" }).click();
    await inRoom(page, "Observatory");
  });

  test("leaving takes the room off one's list and tells the others", async () => {
    const { room } = await house.host("Stayer", "Doorway");
    const stays = await house.person("Stays");
    await enterRoom(stays, "Doorway");
    const leaves = await house.person("Leaves");
    await enterRoom(leaves, "Doorway");
    await leaves.getByRole("button", { name: "Leave room" }).click();
    await leaves.getByRole("dialog").getByRole("button", { name: "Leave room" }).click();
    await leaves.getByText("Choose a room").waitFor();
    assert.equal(await leaves.getByRole("region", { name: "Your rooms" }).count(), 0);
    await stays.getByText("Leaves left").waitFor();
    const { members } = await house.call("GET", `/api/rooms/${room.id}/members`);
    assert.deepEqual(members.map(({ nickname }) => nickname), ["Stayer", "Stays"]);
  });

  test("who leaves in one window is told so in the other, and can come back there", async () => {
    await house.host("Somebody", "Porch");
    const one = await house.person("Twofold");
    await enterRoom(one, "Porch");
    const other = await one.context().newPage();
    await other.goto("/");
    await enterRoom(other, "Porch");
    await one.getByRole("button", { name: "Leave room" }).click();
    await one.getByRole("dialog").getByRole("button", { name: "Leave room" }).click();
    await other.getByText("You are no longer a member of this room.").waitFor();
    await other.getByRole("button", { name: "Enter again" }).click();
    await write(other, "back again");
    await message(other, "back again").waitFor();
  });

  test("a link to a room that does not exist says so and leads back", async () => {
    const page = await house.person("Lost");
    await page.goto("/#/rooms/nowhere");
    await page.getByText("This room does not exist.").waitFor();
    await page.getByRole("button", { name: "To the rooms" }).click();
    await page.getByText("Choose a room").waitFor();
    await page.reload();
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    assert.equal(await page.getByText("This room does not exist.").count(), 0);
  });

  test("the browser's language is used, another can be chosen, and the choice is remembered", async () => {
    const page = await house.visitor({ locale: "ko-KR" });
    await page.getByRole("button", { name: "대화 시작하기" }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "ko");
    await page.getByLabel("언어").selectOption("en");
    await page.getByRole("button", { name: "Start chatting" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Start chatting" }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
  });

  test("light and dark follow the device until somebody chooses", async () => {
    const page = await house.visitor({ colorScheme: "dark" });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.emulateMedia({ colorScheme: "light" });
    const light = await ground();
    assert.notEqual(dark, light);
    await page.getByLabel("Appearance").selectOption("dark");
    assert.equal(await ground(), dark);
    await page.reload();
    await page.getByLabel("Appearance").waitFor();
    assert.equal(await ground(), dark);
  });

  test("the page of the HTTP API shows the description", async () => {
    const page = await house.visitor();
    await page.goto("/api/docs");
    await page.getByText("/api/rooms/{id}/messages").first().waitFor();
  });
});
