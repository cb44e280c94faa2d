/** Accounts: signing up, logging in and out, from guest to account, devices, passwords, tabs that share a login. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { composer, enterRoom, eventually, inRoom, logIn, makeRoom, message, personMenu, signUp, suite, write } from "./harness.mjs";

const PASSWORD = "a kettle of nine herons";

suite("accounts", (house) => {
  test("signing up says while one types what is taken and what is free, and lets one in", async () => {
    await house.person("Heron");
    const page = await house.visitor();
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("Nickname").fill("heron");
    await page.getByText("Somebody already goes by that name").waitFor();
    await page.getByLabel("Nickname").fill("Grey heron");
    await page.getByText("This name is free.").waitFor();
    await page.getByLabel("Login", { exact: true }).fill("heron");
    await page.getByText("This login is free.").waitFor();
    await page.getByLabel("Password", { exact: true }).fill("password");
    await page.keyboard.press("Enter");
    await page.getByText("too short or too common").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "password");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    await page.getByText("Signed in as Grey heron").waitFor();
  });

  test("no token is kept where a script could find it, and a reload goes on", async () => {
    const page = await house.visitor();
    await signUp(page, { nickname: "Keeper", login: "keeper", password: PASSWORD });
    await makeRoom(page, "Keep");
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.doesNotMatch(kept, /token|eyJ|klatsch_refresh/);
    const cookies = await page.context().cookies(new URL("/api/sessions", page.url()).href);
    const cookie = cookies.find(({ name }) => name === "klatsch_refresh");
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Lax", "/api/sessions"]);
    await page.reload();
    await inRoom(page, "Keep");
    await write(page, "still me");
    await message(page, "still me").waitFor();
    assert.equal(await page.locator(".row-message.own").count(), 1);
  });

  test("a wrong password is told where it stands, the right one finds all rooms on another device", async () => {
    const first = await house.visitor();
    await signUp(first, { nickname: "Roamer", login: "roamer", password: PASSWORD });
    await makeRoom(first, "Luggage");
    const second = await house.visitor();
    await second.getByRole("button", { name: "Log in" }).click();
    await second.getByLabel("Login", { exact: true }).fill("Roamer");
    await second.getByLabel("Password", { exact: true }).fill("not this one at all");
    await second.keyboard.press("Enter");
    await second.getByRole("alert").getByText("Login or password is wrong.").waitFor();
    await second.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await second.keyboard.press("Enter");
    await enterRoom(second, "Luggage");
    await write(second, "from the other device");
    await message(first, "from the other device").waitFor();
    assert.equal(await first.locator(".row-message.own").count(), 1);
  });

  test("who guesses on is told how long to wait", async () => {
    const owner = await house.visitor();
    await signUp(owner, { nickname: "Guarded", login: "guarded", password: PASSWORD });
    const page = await house.visitor();
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("Login", { exact: true }).fill("guarded");
    await page.getByLabel("Password", { exact: true }).fill("not this one at all");
    const waits = page.getByRole("alert").getByText(/That was too fast\. Wait \d+ seconds?\./);
    await eventually(async () => {
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("alert").waitFor();
      assert.equal(await waits.count(), 1);
    });
  });

  test("a guest becomes an account and keeps name, rooms and messages", async () => {
    const page = await house.person("Chrysalis");
    await makeRoom(page, "Cocoon");
    await write(page, "as a guest");
    await message(page, "as a guest").waitFor();
    await page.getByRole("button", { name: "Your account" }).click();
    await page.getByLabel("Login", { exact: true }).fill("butterfly");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Make it an account" }).click();
    await eventually(async () => assert.equal(await page.getByRole("button", { name: "Log out", exact: true }).count(), 1));
    await page.getByRole("dialog").getByText("You have an account now.").waitFor();
    await page.keyboard.press("Escape");
    await inRoom(page, "Cocoon");
    await message(page, "as a guest").waitFor();
    await write(page, "as an account");
    await message(page, "as an account").waitFor();
    assert.equal(await page.locator(".row-message.own").count(), 2);
    const elsewhere = await house.visitor();
    await logIn(elsewhere, "butterfly", PASSWORD);
    await elsewhere.getByText("Signed in as Chrysalis").waitFor();
  });

  test("a nickname is changed for everybody to see", async () => {
    const page = await house.visitor();
    await signUp(page, { nickname: "Before", login: "renamer", password: PASSWORD });
    await makeRoom(page, "Baptistery");
    const witness = await house.person("Witness");
    await enterRoom(witness, "Baptistery");
    await page.getByRole("button", { name: "Your account" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Nickname").fill("After");
    await dialog.getByRole("button", { name: "Change nickname" }).click();
    await dialog.getByText("Others see your new nickname now.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Signed in as After").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Your account");
    await witness.getByText("Before is now called After").waitFor();
    await witness.getByRole("complementary").getByText("After", { exact: true }).waitFor();
    await page.reload();
    await page.getByText("Signed in as After").waitFor();
  });

  test("a device that is ended elsewhere is out at once, and says why", async () => {
    const first = await house.visitor();
    await signUp(first, { nickname: "Twofold", login: "twofold", password: PASSWORD });
    const second = await house.visitor();
    await logIn(second, "twofold", PASSWORD);
    await first.getByRole("button", { name: "Your account" }).click();
    const list = first.getByRole("list", { name: "Where you are logged in" });
    await eventually(async () => assert.equal(await list.getByRole("listitem").count(), 2));
    await list.getByRole("button", { name: /^Log out/ }).click();
    await eventually(async () => assert.equal(await list.getByRole("listitem").count(), 1));
    await second.getByText("You were logged out.").waitFor();
    await second.getByRole("button", { name: "Start chatting" }).waitFor();
  });

  test("a new password ends the other devices, and the old one is asked for", async () => {
    const first = await house.visitor();
    await signUp(first, { nickname: "Careful", login: "careful", password: PASSWORD });
    const second = await house.visitor();
    await logIn(second, "careful", PASSWORD);
    await first.getByRole("button", { name: "Your account" }).click();
    await first.getByLabel("Present password").fill("not this one at all");
    await first.getByLabel("New password").fill("an otter in the attic");
    await first.getByRole("button", { name: "Change password" }).click();
    await first.getByText("That is not your present password.").waitFor();
    await first.getByLabel("Present password").fill(PASSWORD);
    await first.getByRole("button", { name: "Change password" }).click();
    await first.getByRole("dialog").getByText("Your password is changed.").waitFor();
    await second.getByText("You were logged out.").waitFor();
    await logIn(second, "careful", "an otter in the attic");
  });

  test("who logs out is out in every tab, and nobody goes on from there", async () => {
    const page = await house.visitor();
    await signUp(page, { nickname: "Leaver", login: "leaver", password: PASSWORD });
    const other = await page.context().newPage();
    await other.goto("/");
    await other.getByText("Signed in as Leaver").waitFor();
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Start chatting" }).waitFor();
    await other.getByRole("button", { name: "Start chatting" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Start chatting" }).waitFor();
  });

  test("tabs that renew at once all go on", async () => {
    const page = await house.visitor();
    await signUp(page, { nickname: "Many tabs", login: "tabs", password: PASSWORD });
    await makeRoom(page, "Tabs");
    const tabs = [page, ...(await Promise.all([1, 2, 3].map(() => page.context().newPage())))];
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(tabs.map((tab) => tab.goto("about:blank").then(() => tab.goto("/"))));
      await Promise.all(tabs.map((tab) => tab.getByText("Signed in as Many tabs").waitFor()));
      await Promise.all(tabs.map((tab) => enterRoom(tab, "Tabs")));
      await Promise.all(tabs.map((tab) => composer(tab).waitFor()));
    }
    await write(page, "to all");
    await Promise.all(tabs.map((tab) => message(tab, "to all").waitFor()));
  });

  test("in Korean and on a phone nothing is wider than the screen", async () => {
    const page = await house.visitor({ locale: "ko-KR", viewport: { width: 360, height: 640 } });
    const fits = async () => {
      const { wide, screen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, screen: innerWidth }));
      assert.ok(wide <= screen, `${wide} > ${screen}`);
    };
    await page.getByRole("button", { name: "로그인" }).click();
    await page.getByLabel("아이디").waitFor();
    await fits();
    await page.getByRole("button", { name: "계정 만들기" }).click();
    await page.getByLabel("닉네임").fill("길손");
    await page.getByLabel("아이디").fill("wayfarer");
    await page.getByLabel("비밀번호", { exact: true }).fill(PASSWORD);
    await fits();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "내 계정" }).click();
    await page.getByRole("heading", { name: "로그인한 기기" }).waitFor();
    await fits();
  });
});

suite("short-lived tokens", (house) => {
  for (const way of ["WebSocket", "Server-sent events", "Polling"]) {
    test(`by ${way} one talks on while tokens end one after the other`, async () => {
      const page = await house.visitor();
      await page.getByLabel("Connection").selectOption(way);
      await signUp(page, { nickname: `Lasting by ${way}`.slice(0, 32), login: `lasting-${way.slice(0, 3)}`, password: PASSWORD });
      await makeRoom(page, `Lasting ${way}`);
      const failures = [];
      page.on("response", (response) => {
        if (response.status() === 401) failures.push(response.url());
      });
      let renewals = 0;
      page.on("request", (request) => {
        if (request.url().endsWith("/api/sessions/refresh")) renewals += 1;
      });
      const { room } = await house.host(`Companion ${way}`.slice(0, 32), `Beside ${way}`);
      await page.goto(`/#/rooms/${room.id}`);
      await inRoom(page, `Beside ${way}`);
      for (let turn = 1; turn <= 16; turn += 1) {
        await write(page, `turn ${turn}`);
        await page.waitForTimeout(1000);
      }
      await eventually(async () => assert.equal((await house.history(room.id)).length, 16));
      assert.ok(renewals >= 1, `${renewals} renewals`);
      assert.deepEqual(failures, []);
      assert.equal(await page.getByText("The connection is lost.").count(), 0);
    });
  }
}, { "auth.access_s": "10" });

suite("admins", (house) => {
  test("who is banned from the server is out everywhere, sees why and until when, and comes back when that is lifted", async () => {
    await house.server.run(["admin", "create", "--login", "root", "--nickname", "Caretaker"], `${PASSWORD}\n`);
    await house.host("Innkeeper", "Taproom");
    const rowdy = await house.visitor();
    await signUp(rowdy, { nickname: "Rowdy", login: "rowdy", password: PASSWORD });
    await enterRoom(rowdy, "Taproom");
    const admin = await house.visitor();
    await logIn(admin, "root", PASSWORD);
    await enterRoom(admin, "Taproom");
    await personMenu(admin, "Rowdy");
    const dialog = admin.getByRole("dialog");
    await dialog.getByRole("button", { name: "Ban from the server…" }).click();
    await dialog.getByLabel("For how long").selectOption("1 day");
    await dialog.getByLabel("Reason").fill("Brawling");
    await dialog.getByRole("button", { name: "Ban", exact: true }).click();
    await dialog.getByText("Rowdy is banned from the server.").waitFor();
    const why = /You are banned here\. Until .*Reason: Brawling/;
    await rowdy.getByRole("alert").getByText(why).waitFor();
    await rowdy.reload();
    await rowdy.getByRole("alert").getByText(why).waitFor();
    const elsewhere = await house.visitor();
    await elsewhere.getByRole("button", { name: "Log in" }).click();
    await elsewhere.getByLabel("Login", { exact: true }).fill("rowdy");
    await elsewhere.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await elsewhere.keyboard.press("Enter");
    await elsewhere.getByRole("alert").getByText(why).waitFor();
    await dialog.getByRole("button", { name: "Lift that ban again" }).click();
    await dialog.waitFor({ state: "detached" });
    await elsewhere.keyboard.press("Enter");
    await enterRoom(elsewhere, "Taproom");
  });

  test("nobody else is offered what only admins may", async () => {
    await house.host("Landlord", "Cellar bar");
    const other = await house.person("Patron");
    await enterRoom(other, "Cellar bar");
    await personMenu(other, "Landlord");
    assert.deepEqual(await other.getByRole("dialog").locator(".deeds button").allTextContents(), ["Write directly"]);
  });
});
