/**
 * The real server, started, killed and started again on the same data and port.
 * The binary is $KLATSCH_BIN, or the debug build beside the page's folder.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const BINARY = process.env.KLATSCH_BIN ?? resolve(import.meta.dirname, "../../target/debug/klatsch");

/** How long it may take until it serves, in milliseconds. */
const PATIENCE = 10_000;

/** A server on a free port with a database of its own; settings as `section.key`, and those that need it as a file. */
export class Server {
  url = "";
  #folder = mkdtempSync(join(tmpdir(), "klatsch-web-"));
  #process;
  #port;
  #output = "";
  #settings;
  #file = [];

  constructor(settings = {}, file = "") {
    if (file !== "") {
      this.#file = ["--config", join(this.#folder, "klatsch.toml")];
      writeFileSync(this.#file[1], file);
    }
    this.#settings = Object.fromEntries(Object.entries(settings).map(([name, value]) => [variable(name), String(value)]));
  }

  /** Starts the server unless it runs, on the same port and database each time, and waits until it is ready. */
  async start() {
    if (this.#running) return;
    this.#port ??= await freePort();
    this.url = `http://127.0.0.1:${this.#port}`;
    this.#process = this.#spawn(["serve", ...this.#file], ["ignore", "pipe", "pipe"]);
    const failed = [];
    this.#process.on("error", (error) => failed.push(error.message));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on("data", (data) => {
        this.#output += data;
      });
    }
    const giveUp = Date.now() + PATIENCE;
    while (Date.now() < giveUp && failed.length === 0 && this.#process.exitCode === null) {
      const ready = await fetch(`${this.url}/readyz`).then(({ ok }) => ok).catch(() => false);
      if (ready) return;
      await new Promise((next) => setTimeout(next, 20));
    }
    throw new Error(`${BINARY} does not serve: ${failed.join()}\n${this.#output}`);
  }

  /** Everything it has said. */
  get output() {
    return this.#output;
  }

  /** Runs another command of the binary on the same database; `input` is what it is told. */
  async run(args, input = "") {
    const running = this.#spawn(args, ["pipe", "pipe", "pipe"]);
    let said = "";
    for (const stream of [running.stdout, running.stderr]) {
      stream.on("data", (data) => {
        said += data;
      });
    }
    running.stdin.end(input);
    const code = await new Promise((next) => running.once("exit", next));
    if (code !== 0) throw new Error(`${args.join(" ")}: ${code}\n${said}`);
    return said;
  }

  /** As a power cut would: kill -9. */
  async kill() {
    await this.#end("SIGKILL");
  }

  async remove() {
    await this.#end("SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(args, stdio) {
    const env = {
      ...process.env,
      KLATSCH__SERVER__LISTEN: `127.0.0.1:${this.#port}`,
      KLATSCH__DATABASE__URL: `sqlite://${join(this.#folder, "klatsch.db")}`,
      KLATSCH__LIMITS__ENABLED: "false",
      ...this.#settings,
    };
    return spawn(BINARY, args, { cwd: this.#folder, env, stdio });
  }

  get #running() {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async #end(signal) {
    if (!this.#running) return;
    const running = this.#process;
    const gone = new Promise((next) => running.once("exit", next));
    running.kill(signal);
    await gone;
  }
}

function variable(setting) {
  return `KLATSCH__${setting.replace(".", "__").toUpperCase()}`;
}

function freePort() {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}
