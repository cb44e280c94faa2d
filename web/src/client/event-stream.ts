/**
 * The text of server-sent events, as the HTML Standard has it: lines that arrive in pieces become events.
 * Only what the server says is read (`event`, `data`); comments show that it lives, and are no events.
 */
export interface StreamEvent {
  name: string;
  data: string;
}

export class EventStream {
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** The events that `text`, which goes on where the last one stopped, completes. */
  take(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    this.#rest += text;
    // A carriage return at the very end may be half of a line's end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") this.#dispatch(events);
      else this.#field(line);
    }
    return events;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#name = value;
    else if (name === "data") this.#data.push(value);
  }

  #dispatch(events: StreamEvent[]): void {
    if (this.#data.length > 0) events.push({ name: this.#name === "" ? "message" : this.#name, data: this.#data.join("\n") });
    this.#name = "";
    this.#data = [];
  }
}
