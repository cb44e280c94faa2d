/**
 * What the browser tests stand on: the real server with a database of its own, Chromium, and people who chat.
 */
import { accessSync, constants } from "node:fs";
import { after, afterEach, before, beforeEach, describe } from "node:test";
import { chromium } from "playwright-core";
import { Server } from "../server.mjs";

const BROWSERS = [process.env.CHROMIUM_BIN, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The ways of being connected, as the page names them. */
export const WAYS = { socket: "WebSocket", events: "Server-sent events", polling: "Polling" };

/** How long the page may take for anything, in milliseconds. */
export const PATIENCE = 10_000;

const browserPath = BROWSERS.find((path) => path !== undefined && isExecutable(path));

/**
 * A suite with a house of its own: one server, one browser. Without Chromium it is skipped, loudly;
 * where CI is set that is an error. Settings are named as `section.key`.
 */
export function suite(name, body, settings = {}) {
  if (browserPath === undefined) {
    const reason = "Chromium was not found (apt-get install chromium, or set CHROMIUM_BIN)";
    if (process.env.CI === "true") throw new Error(reason);
    process.stderr.write(`\n*** SKIPPED browser tests "${name}": ${reason}\n\n`);
    describe(name, { skip: reason }, () => {});
    return;
  }
  describe(name, () => {
    const house = new House(settings);
    before(() => house.open());
    beforeEach(() => house.server.start());
    afterEach(() => house.empty());
    after(() => house.close());
    body(house);
  });
}

class House {
  server;
  #browser;
  #contexts = [];

  constructor(settings) {
    this.server = new Server(settings);
  }

  /** The server of this house is another one, which is not started yet. */
  async moveTo(server) {
    await this.server.remove();
    this.server = server;
  }

  async open() {
    this.#browser = await chromium.launch({ executablePath: browserPath, args: FLAGS });
  }

  /** Sends all visitors home. */
  async empty() {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  async close() {
    await this.#browser?.close();
    await this.server.remove();
  }

  /** A fresh browser profile with one page at the server; whatever goes wrong in it fails the test. */
  async visitor(options = {}) {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: "en-GB",
      baseURL: this.server.url,
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto("/");
    return page;
  }

  /** A visitor who has taken a nickname. */
  async person(nickname, options = {}) {
    const page = await this.visitor(options);
    await signIn(page, nickname);
    return page;
  }

  /** A person who chose how to be connected. */
  async personBy(way, nickname) {
    const page = await this.visitor();
    await page.getByLabel("Connection").selectOption(WAYS[way]);
    await signIn(page, nickname);
    return page;
  }

  /** Calls the HTTP API as anybody would. */
  async call(method, path, { token, body } = {}) {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const request = { method, headers, body: body && JSON.stringify(body) };
    const response = await fetch(new URL(path, this.server.url), request);
    const answer = response.status === 204 ? undefined : await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Somebody without a page, who makes a room, is its member and can write into it. */
  async host(nickname, roomName) {
    const { token, user } = await this.call("POST", "/api/users", { body: { nickname } });
    const room = await this.call("POST", "/api/rooms", { token, body: { name: roomName } });
    await this.call("PUT", `/api/rooms/${room.id}/members/me`, { token });
    const say = (body) => this.call("POST", `/api/rooms/${room.id}/messages`, { token, body: { body } });
    return { token, user, room, say };
  }

  /** The token of the guest whose page it is. */
  tokenOf(page) {
    return page.evaluate(() => JSON.parse(localStorage.getItem("klatsch.identity")));
  }

  /** The bodies of all messages of a room, as history has them. */
  async history(roomId) {
    const found = [];
    let position = "0";
    for (;;) {
      const page = await this.call("GET", `/api/rooms/${roomId}/messages?after=${position}&limit=500`);
      if (page.records.length === 0) return found;
      found.push(...page.records.filter(({ kind }) => kind === "message").map(({ body }) => body));
      position = `${page.position.epoch}:${page.position.seq}`;
    }
  }
}

export async function signIn(page, nickname) {
  await page.getByLabel("Nickname").fill(nickname);
  await page.getByRole("button", { name: "Start chatting" }).click();
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

/** Makes an account at the entrance, and comes in with it. */
export async function signUp(page, { nickname, login, password }) {
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Nickname").fill(nickname);
  await page.getByLabel("Login", { exact: true }).fill(login);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

/** Comes in with an account, from whatever the entrance shows. */
export async function logIn(page, login, password) {
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel("Login", { exact: true }).fill(login);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

/** Makes a room and is in it; `visibility` as the page names it. */
export async function makeRoom(page, name, visibility) {
  await page.getByRole("button", { name: "New room" }).click();
  await page.getByLabel("Name of the room").fill(name);
  if (visibility !== undefined) await page.getByLabel(visibility).check();
  await page.getByRole("button", { name: "Make room" }).click();
  await inRoom(page, name);
}

/** Opens what owners and moderators see of a room. */
export async function lookAfter(page) {
  await page.getByRole("button", { name: "Look after the room" }).click();
  await page.getByRole("dialog").waitFor();
}

/** Opens the menu of a member. */
export async function personMenu(page, nickname) {
  await page.getByRole("button", { name: `${nickname}: what you can do` }).click();
  await page.getByRole("dialog").locator(".deeds").waitFor();
}

export async function enterRoom(page, name) {
  await page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
  await inRoom(page, name);
}

export async function inRoom(page, name) {
  await page.getByRole("heading", { name, level: 2, exact: true }).waitFor();
  await page.getByRole("log").waitFor();
}

/** Waits until the room says that it is connected this way. */
export async function connectedBy(page, way) {
  await page.locator(".room-way").getByText(WAYS[way]).waitFor();
}

export async function write(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

export function composer(page) {
  return page.getByRole("textbox", { name: /^Message to/ });
}

/** A message on the page, by its whole text. */
export function message(page, text) {
  return page.locator(".row-message", { has: page.locator(".body").getByText(text, { exact: true }) });
}

/** Every message in the document, in order. */
export function bodies(page) {
  return page.locator(".row-message .body").allTextContents();
}

/** Waits until `claim` no longer throws; its last error is the test's. */
export async function eventually(claim, patience = PATIENCE) {
  const giveUp = Date.now() + patience;
  for (;;) {
    try {
      return await claim();
    } catch (error) {
      if (Date.now() > giveUp) throw error;
    }
    await new Promise((next) => setTimeout(next, 30));
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
