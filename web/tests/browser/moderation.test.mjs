/** Looking after a room: what the menus offer to whom, and what those see whom it is about. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { composer, enterRoom, eventually, lookAfter, makeRoom, message, personMenu, suite, WAYS, write } from "./harness.mjs";

/** Who owns a room, and somebody who is in it. */
async function two(house, room, options) {
  const owner = await house.person(`${room} owner`);
  await makeRoom(owner, room);
  const member = await house.person(`${room} member`, options);
  await enterRoom(member, room);
  await owner.getByRole("complementary").getByText(`${room} member`).waitFor();
  return { owner, member, name: `${room} member` };
}

async function deny(page, person, menu, { button, span, reason }) {
  await personMenu(page, person);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: menu }).click();
  if (span !== undefined) await dialog.getByLabel("For how long").selectOption(span);
  if (reason !== undefined) await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

suite("moderation", (house) => {
  test("who is muted sees why and how long instead of the composer, and writes on afterwards", async () => {
    const { owner, member, name } = await two(house, "Choir");
    await composer(member).fill("half a thought");
    await deny(owner, name, "Mute…", { button: "Mute", span: "1 hour", reason: "You sing too loud" });
    const denied = member.getByRole("region", { name: "You cannot write in this room now." });
    await denied.getByText("Reason: You sing too loud").waitFor();
    await denied.getByText(/left$/).waitFor();
    assert.equal(await composer(member).count(), 0);
    await owner.getByText(/Choir owner muted Choir member until .*: You sing too loud/).waitFor();
    await member.reload();
    await denied.getByText("Reason: You sing too loud").waitFor();
    await lookAfter(owner);
    await owner.getByRole("list", { name: "Muted" }).getByRole("button", { name: `Lift it for ${name}` }).click();
    await composer(member).waitFor();
    await write(member, "may I");
    await message(owner, "may I").waitFor();
  });

  test("a mute ends by itself, without anybody's doing, and what was begun is still there", async () => {
    const { owner, member, name } = await two(house, "Quiet");
    await composer(member).fill("half a thought");
    const { token } = await house.tokenOf(owner);
    const room = owner.url().split("/").at(-1);
    const members = await house.call("GET", `/api/rooms/${room}/members`, { token });
    const { id } = members.members.find(({ nickname }) => nickname === name);
    await house.call("PUT", `/api/rooms/${room}/mutes/${id}`, { token, body: { seconds: 2 } });
    await member.getByRole("region", { name: "You cannot write in this room now." }).waitFor();
    await composer(member).waitFor();
    assert.equal(await composer(member).inputValue(), "half a thought");
  });

  for (const [key, way] of Object.entries(WAYS)) {
    test(`by ${way} who is banned sees why and until when, and cannot come back before`, async () => {
      const room = `Gate ${key}`;
      const owner = await house.person(`${room} owner`);
      await makeRoom(owner, room);
      const member = await house.personBy(key, `${room} member`);
      await enterRoom(member, room);
      await owner.getByRole("complementary").getByText(`${room} member`).waitFor();
      await deny(owner, `${room} member`, "Ban from the room…", { button: "Ban", span: "1 day", reason: "Spam" });
      const alert = member.getByRole("alert");
      await alert.getByText(/You are banned from this room\. Until .*Reason: Spam/).waitFor();
      assert.equal(await member.getByRole("button", { name: "Enter again" }).count(), 0);
      await eventually(async () => assert.equal(await owner.getByRole("complementary").getByText(`${room} member`).count(), 0));
      await member.reload();
      await member.getByText(/You are banned here\. Until .*Reason: Spam/).waitFor();
      await lookAfter(owner);
      await owner.getByRole("button", { name: `Lift it for ${room} member` }).click();
      await owner.getByText(`lifted the ban on ${room} member`).waitFor();
      await member.reload();
      await composer(member).waitFor();
    });
  }

  test("who is removed is told so, and may come back", async () => {
    const { owner, member, name } = await two(house, "Revolving door");
    await deny(owner, name, "Remove from the room…", { button: "Remove", reason: "A <b>short</b> break" });
    await member.getByText("You are no longer a member of this room.").waitFor();
    await owner.getByText("removed Revolving door member: A <b>short</b> break").waitFor();
    await member.getByRole("button", { name: "Enter again" }).click();
    await write(member, "back again");
    await message(owner, "back again").waitFor();
  });

  test("a moderator looks after members, and a room that is handed over has another owner", async () => {
    const { owner, member, name } = await two(house, "Relay");
    const third = await house.person("Relay third");
    await enterRoom(third, "Relay");
    await personMenu(third, name);
    assert.deepEqual(await deeds(third), ["Write directly"]);
    await third.keyboard.press("Escape");
    await personMenu(owner, name);
    await owner.getByRole("button", { name: "Make moderator" }).click();
    await member.getByText("Relay owner made Relay member a moderator").waitFor();
    await personMenu(member, "Relay third");
    assert.deepEqual(await deeds(member), ["Write directly", "Mute…", "Remove from the room…", "Ban from the room…"]);
    await member.keyboard.press("Escape");
    await personMenu(member, "Relay owner");
    assert.deepEqual(await deeds(member), ["Write directly"]);
    await member.keyboard.press("Escape");
    await deny(owner, name, "Hand the room over…", { button: "Hand over" });
    await owner.getByText("Relay owner handed the room over to Relay member").waitFor();
    await personMenu(member, "Relay owner");
    assert.ok((await deeds(member)).includes("Hand the room over…"));
  });

  test("a closed room can be read and not written to, and is on no list", async () => {
    const { owner, member } = await two(house, "Swan song");
    await write(member, "last words");
    await message(owner, "last words").waitFor();
    await lookAfter(owner);
    await owner.getByRole("button", { name: "Close the room" }).click();
    await owner.getByRole("button", { name: "Close for ever" }).click();
    for (const page of [owner, member]) {
      await page.getByRole("alert").getByText("This room was closed. What was said stays here to be read.").waitFor();
      await message(page, "last words").waitFor();
      assert.equal(await composer(page).count(), 0);
    }
    const newcomer = await house.person("Too late");
    await newcomer.getByRole("searchbox").fill("Swan song");
    await newcomer.getByText("No room is called “Swan song”").waitFor();
  });

  test("menus are reached and left by the keyboard, and the focus goes back where it was", async () => {
    const { owner, name } = await two(house, "Keys");
    const opener = owner.getByRole("button", { name: `${name}: what you can do` });
    await opener.focus();
    await owner.keyboard.press("Enter");
    await owner.getByRole("dialog").waitFor();
    await owner.getByRole("button", { name: "Mute…" }).focus();
    await owner.keyboard.press("Enter");
    await owner.getByLabel("For how long").waitFor();
    await eventually(async () => assert.equal(await owner.evaluate(() => document.activeElement?.tagName), "SELECT"));
    await owner.getByRole("button", { name: "Back" }).press("Enter");
    await owner.getByRole("button", { name: "Mute…" }).waitFor();
    await owner.keyboard.press("Escape");
    await owner.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await opener.evaluate((element) => element === document.activeElement), true);
  });

  test("in Korean and on a phone all of it fits", async () => {
    const { owner } = await two(house, "Pocket");
    const phone = await house.person("Pocket third");
    await enterRoom(phone, "Pocket");
    await owner.setViewportSize({ width: 360, height: 640 });
    await owner.getByRole("button", { name: "Back to the rooms" }).click();
    await owner.getByLabel("Language").selectOption("ko");
    await owner.getByRole("link", { name: /^Pocket/ }).click();
    await owner.getByRole("button", { name: "대화방 관리" }).click();
    await owner.getByRole("heading", { name: "초대하기", exact: true }).waitFor();
    const { wide, screen } = await owner.evaluate(() => ({ wide: document.documentElement.scrollWidth, screen: innerWidth }));
    assert.ok(wide <= screen, `${wide} > ${screen}`);
  });
});

function deeds(page) {
  return page.getByRole("dialog").locator(".deeds button").allTextContents();
}
