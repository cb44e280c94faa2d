/**
 * The one error of this client: what the server refused, or that it could not be asked.
 * It carries the wire's code; turning it into a sentence for people is the page's work.
 */
import type { Retry } from "./codes";
import type { ErrorFrame, Missing, Position } from "./protocol";

/** Codes that only this side uses: no answer came, the client was stopped meanwhile, a way of connecting did not open. */
export type LocalCode = "unreachable" | "stopped" | "barred";

interface RefusalFields {
  code: string;
  message: string;
  retry: Retry;
  status?: number | undefined;
  field?: string | undefined;
  retryAfterMs?: number | undefined;
  details?: Record<string, unknown>;
}

export class Refusal extends Error {
  readonly code: string;
  readonly retry: Retry;
  /** The HTTP status, or 0 where no HTTP answer came. */
  readonly status: number;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Everything else the answer said, such as `room` beside `room_name_taken`. */
  readonly details: Record<string, unknown>;

  constructor(fields: RefusalFields) {
    super(fields.message);
    this.name = "Refusal";
    this.code = fields.code;
    this.retry = fields.retry;
    this.status = fields.status ?? 0;
    this.field = fields.field;
    this.retryAfterMs = fields.retryAfterMs;
    this.details = fields.details ?? {};
  }

  static unreachable(): Refusal {
    return new Refusal({ code: "unreachable", message: "no answer came", retry: "later" });
  }

  static unauthenticated(): Refusal {
    return new Refusal({ code: "unauthenticated", message: "there is no token to be had", retry: "no" });
  }

  static stopped(): Refusal {
    return new Refusal({ code: "stopped", message: "the client was stopped", retry: "no" });
  }

  static barred(): Refusal {
    return new Refusal({ code: "barred", message: "this way of connecting does not get through", retry: "later" });
  }

  static lost(head: Position, missing: Missing | undefined): Refusal {
    return new Refusal({ code: "position_lost", message: "the position is lost", retry: "no", details: { head, missing } });
  }

  static fromFrame(frame: ErrorFrame): Refusal {
    return new Refusal({
      code: frame.code,
      message: frame.message,
      retry: frame.retry,
      field: frame.field,
      retryAfterMs: frame.retry_after_ms,
      details: { ...frame },
    });
  }

  /** Reads a problem document (RFC 9457); a body that is none still gives a usable refusal. */
  static fromProblem(status: number, body: unknown): Refusal {
    const problem = isObject(body) ? body : {};
    const fallback = status >= 500 ? "internal" : "invalid";
    return new Refusal({
      code: text(problem["code"]) ?? fallback,
      message: text(problem["detail"]) ?? text(problem["title"]) ?? `HTTP ${status}`,
      retry: retryRule(problem["retry"]) ?? (status >= 500 || status === 429 ? "later" : "no"),
      status,
      field: text(problem["field"]),
      retryAfterMs: count(problem["retry_after_ms"]),
      details: problem,
    });
  }
}

/** Makes a refusal of whatever was thrown, so that callers handle one kind of error. */
export function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : Refusal.unreachable();
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function retryRule(value: unknown): Retry | undefined {
  return value === "no" || value === "later" || value === "reconnect" ? value : undefined;
}
