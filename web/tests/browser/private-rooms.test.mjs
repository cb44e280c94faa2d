/** Rooms that are not open to all: private ones, invitations by name and by link, rooms for two. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enterRoom, eventually, inRoom, lookAfter, makeRoom, message, personMenu, signIn, suite, write } from "./harness.mjs";

suite("private rooms", (house) => {
  test("a private room is found by its members alone, also by those who search or have its address", async () => {
    const owner = await house.person("Hermit");
    const stranger = await house.person("Stranger");
    await makeRoom(owner, "Hermitage", "Only who is invited");
    await owner.locator(".room-title").getByText("Private room").waitFor();
    await write(owner, "nobody hears this");
    const address = owner.url();
    await stranger.getByRole("searchbox").fill("Hermit");
    await stranger.getByText("No room is called “Hermit”").waitFor();
    await stranger.goto(address);
    await stranger.getByText("This room does not exist.").waitFor();
    assert.equal(await stranger.getByText("nobody hears this").count(), 0);
    await owner.getByRole("searchbox").fill("hermit");
    await owner.getByRole("link", { name: /^Hermitage/ }).waitFor();
    await owner.reload();
    await owner.getByRole("link", { name: /^Hermitage/ }).waitFor();
  });

  test("who is invited by name sees it without asking, and comes in", async () => {
    const owner = await house.person("Inviter");
    const guest = await house.person("Invited one");
    await makeRoom(owner, "Snug", "Only who is invited");
    await lookAfter(owner);
    const dialog = owner.getByRole("dialog");
    await dialog.getByLabel("Nickname of who is invited").fill("nobody of that name");
    await dialog.getByRole("button", { name: "Invite", exact: true }).click();
    await dialog.getByText("There is nobody of that name.").waitFor();
    await dialog.getByLabel("Nickname of who is invited").fill("invited ONE");
    await dialog.getByRole("button", { name: "Invite", exact: true }).click();
    await dialog.getByText("invited ONE is invited.").waitFor();
    await owner.keyboard.press("Escape");
    await owner.getByText("Inviter invited Invited one").waitFor();
    await guest.getByRole("button", { name: "Enter: Snug" }).click({ timeout: 20_000 });
    await inRoom(guest, "Snug");
    await write(guest, "thank you");
    await message(owner, "thank you").waitFor();
    await eventually(async () => assert.equal(await guest.getByRole("region", { name: "Invitations" }).count(), 0));
  });

  test("an invitation can be declined", async () => {
    const owner = await house.person("Hopeful");
    const guest = await house.person("Unwilling");
    await makeRoom(owner, "Cell", "Only who is invited");
    await lookAfter(owner);
    await owner.getByLabel("Nickname of who is invited").fill("Unwilling");
    await owner.getByRole("button", { name: "Invite", exact: true }).click();
    await owner.getByRole("dialog").getByText("Unwilling is invited.").waitFor();
    await owner.keyboard.press("Escape");
    await guest.getByRole("button", { name: "Decline: Cell" }).click({ timeout: 20_000 });
    await eventually(async () => assert.equal(await guest.getByText("Cell").count(), 0));
    await owner.getByText("Unwilling declined the invitation").waitFor();
  });

  test("a link lets in who has nothing but the link, and leaves no trace of itself in the address", async () => {
    const owner = await house.person("Linker");
    await makeRoom(owner, "Den", "Only who is invited");
    await lookAfter(owner);
    await owner.getByRole("button", { name: "Make a link" }).click();
    const link = await owner.getByLabel("Link to this room").inputValue();
    assert.match(link, /\/#invite=.+/);
    await owner.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await owner.getByRole("button", { name: "Copy" }).click();
    await owner.getByRole("dialog").getByText("Copied.").waitFor();
    assert.equal(await owner.evaluate(() => navigator.clipboard.readText()), link);

    const guest = await house.visitor();
    await guest.goto(link);
    await guest.reload();
    await guest.getByText("You are invited to a room.").waitFor();
    assert.doesNotMatch(guest.url(), /invite/);
    await signIn(guest, "Newcomer");
    await inRoom(guest, "Den");
    await write(guest, "here I am");
    await message(guest, "here I am").waitFor();

    await owner.getByRole("list", { name: "Links that are good" }).getByRole("button").click();
    await eventually(async () => assert.equal(await owner.getByRole("list", { name: "Links that are good" }).count(), 0));
    const late = await house.person("Latecomer");
    await late.goto(link);
    await late.getByText("This invitation has ended or was used up.").waitFor();
  });

  test("two write to each other directly, each under the other's name, and nobody else", async () => {
    await house.host("Host of all", "Foyer");
    const ada = await house.person("Ada alone");
    const ben = await house.person("Ben alone");
    await enterRoom(ada, "Foyer");
    await enterRoom(ben, "Foyer");
    await personMenu(ada, "Ben alone");
    await ada.getByRole("dialog").getByRole("button", { name: "Write directly" }).click();
    await inRoom(ada, "Ben alone");
    await write(ada, "between us");
    await ben.getByRole("button", { name: "Enter: Ada alone" }).click({ timeout: 20_000 });
    await inRoom(ben, "Ada alone");
    await message(ben, "between us").waitFor();
    await write(ben, "and back");
    await message(ada, "and back").waitFor();
    await enterRoom(ada, "Foyer");
    await personMenu(ada, "Ben alone");
    await ada.getByRole("dialog").getByRole("button", { name: "Write directly" }).click();
    await message(ada, "and back").waitFor();
    const third = await house.person("Third wheel");
    await third.goto(ada.url());
    await third.getByText("This room does not exist.").waitFor();
  });
});
