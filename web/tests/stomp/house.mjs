/** A server with a room, and people in it who use some library over some transport. */
import assert from "node:assert/strict";
import { Server } from "../server.mjs";
import { LIBRARIES } from "./libraries.mjs";
import { TRANSPORTS } from "./transports.mjs";

/** How long anything may take, in milliseconds. */
const PATIENCE = 20_000;

export class House {
  server;
  #people = [];

  constructor(settings) {
    this.server = new Server(settings);
  }

  /** Makes a room, in which nobody is. */
  async room(name) {
    const { token } = await this.call("POST", "/api/users", { body: { nickname: `Host of ${name}`.slice(0, 32) } });
    return this.call("POST", "/api/rooms", { token, body: { name } });
  }

  async call(method, path, { token, body } = {}) {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const request = { method, headers, body: body && JSON.stringify(body) };
    const response = await fetch(new URL(path, this.server.url), request);
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.json();
  }

  /** The bodies of a room's messages, as history has them. */
  async said(room) {
    const { records } = await this.call("GET", `/api/rooms/${room.id}/messages?limit=500`);
    return records.filter(({ kind }) => kind === "message").map(({ body }) => body);
  }

  /** Somebody with fixed connect headers, who comes back by themselves. */
  async person(library, transport, nickname, beat = 0) {
    const person = new Person(() => TRANSPORTS[transport](this.server), LIBRARIES[library], nickname, beat);
    this.#people.push(person);
    await person.connected();
    return person;
  }

  async empty() {
    await Promise.all(this.#people.splice(0).map((person) => person.stop()));
  }

  async close() {
    await this.empty();
    await this.server.remove();
  }
}

class Person {
  /** What can be done on the connection of now. */
  session;
  connections = 0;
  problems = [];
  #receipts = new Set();
  #asked = 0;
  #link;
  #atConnect = [];

  constructor(socket, library, nickname, beat) {
    const headers = { login: nickname, passcode: `the secret of ${nickname}` };
    const onConnect = (session) => {
      this.session = session;
      this.connections += 1;
      session.subscribe("/user/queue/errors", ({ headers: { code } }) => this.problems.push(code));
      for (const step of this.#atConnect) step(session);
    };
    this.#link = library({ socket, headers, beat, onConnect, onReceipt: (name) => this.#receipts.add(name) });
  }

  /** Does something on this connection and on every one that follows. */
  always(step) {
    this.#atConnect.push(step);
    step(this.session);
  }

  connected(count = 1) {
    return eventually(() => assert.ok(this.connections >= count, "not connected"));
  }

  /** Sends a payload; gives the name of its receipt. */
  tell(room, payload, headers = {}) {
    this.#asked += 1;
    const receipt = `receipt-${this.#asked}`;
    this.session.send(`/app/chat/send/${room.id}`, JSON.stringify(payload), { receipt, ...headers });
    return receipt;
  }

  has(receipt) {
    return this.#receipts.has(receipt);
  }

  /** Sends a payload and waits until it is durable. */
  async say(room, payload, headers) {
    const receipt = this.tell(room, payload, headers);
    await eventually(() => assert.ok(this.has(receipt), `no ${receipt}; problems: ${this.problems}`));
  }

  async stop() {
    await this.#link.stop();
  }
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
    await new Promise((next) => setTimeout(next, 10));
  }
}
