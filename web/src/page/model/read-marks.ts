/** How far each room has been read on this device. Written a little later than changed, however busy a room is. */
import type { Position } from "../../client";
import { isRecord, load, save } from "./storage";

const WRITE_MS = 500;

const unwritten = new Map<string, Position>();
let timer: ReturnType<typeof setTimeout> | undefined;

export function readMark(room: string): Position | undefined {
  return unwritten.get(room) ?? stored()[room];
}

export function setReadMark(room: string, position: Position): void {
  unwritten.set(room, position);
  timer ??= setTimeout(write, WRITE_MS);
}

/** Forgets what is not written yet, for when the whole memory is about to go. */
export function dropReadMarks(): void {
  clearTimeout(timer);
  timer = undefined;
  unwritten.clear();
}

addEventListener("pagehide", write);

/** Only what changed here is replaced: another tab may have read on in other rooms. */
function write(): void {
  clearTimeout(timer);
  timer = undefined;
  if (unwritten.size === 0) return;
  save("read", { ...stored(), ...Object.fromEntries(unwritten) });
  unwritten.clear();
}

function stored(): Record<string, Position> {
  return load("read", isTable) ?? {};
}

function isTable(value: unknown): value is Record<string, Position> {
  return isRecord(value) && Object.values(value).every((one) => isRecord(one) && typeof one["seq"] === "number");
}
