/**
 * Every refusal and every close code, with its number, its sentence and its retry rule.
 * It mirrors the server's table; what people read in their own language stands with the page.
 */

/** What a client may do after a refusal: nothing, try again later, or connect anew. */
export type Retry = "no" | "later" | "reconnect";

export const CODES = {
  malformed: { number: 100, retry: "no", text: "The request is not a JSON object." },
  invalid: { number: 101, retry: "no", text: "A field is missing or wrong." },
  unknown_type: { number: 102, retry: "no", text: "The socket knows no request of this type." },
  too_large: { number: 103, retry: "no", text: "The request is larger than the server takes." },
  unsupported_media_type: { number: 104, retry: "no", text: "The request must be JSON." },
  method_not_allowed: { number: 105, retry: "no", text: "The resource does not know this method." },
  unauthenticated: { number: 200, retry: "no", text: "There is no token, or it is not good." },
  not_a_member: { number: 201, retry: "no", text: "Only members of the room may do this." },
  forbidden: { number: 202, retry: "no", text: "This is not allowed." },
  origin_not_allowed: { number: 203, retry: "no", text: "Pages of this origin may not use the server." },
  bad_credentials: { number: 204, retry: "no", text: "Login or password is wrong." },
  muted: { number: 205, retry: "no", text: "You may not speak in this room for now." },
  banned: { number: 206, retry: "no", text: "You are banned." },
  login_failed: { number: 207, retry: "no", text: "The login elsewhere cannot be believed." },
  not_found: { number: 300, retry: "no", text: "There is no such resource." },
  room_not_found: { number: 301, retry: "no", text: "There is no such room." },
  user_not_found: { number: 302, retry: "no", text: "There is no such user." },
  invitation_not_found: { number: 303, retry: "no", text: "This invitation is not good, or not any more." },
  login_not_found: { number: 304, retry: "no", text: "There is no such session of one's own." },
  nickname_taken: { number: 400, retry: "no", text: "Somebody else has this nickname." },
  room_name_taken: { number: 401, retry: "no", text: "There is a room of this name." },
  already_connected: { number: 402, retry: "no", text: "This socket has connected before." },
  position_lost: { number: 403, retry: "no", text: "The position cannot be honoured." },
  login_taken: { number: 404, retry: "no", text: "Somebody else has this login." },
  room_closed: { number: 405, retry: "no", text: "The room is closed." },
  rate_limited: { number: 500, retry: "later", text: "Too much at once." },
  storage_unavailable: { number: 501, retry: "later", text: "The database does not answer." },
  log_unavailable: { number: 502, retry: "later", text: "The log does not answer." },
  overloaded: { number: 503, retry: "later", text: "The server has too much to do." },
  internal: { number: 504, retry: "later", text: "The server failed." },
  auth_unavailable: { number: 505, retry: "later", text: "Nobody can log in or stay so at the moment." },
} as const satisfies Record<string, { number: number; retry: Retry; text: string }>;

/** A code this version knows; a server may send newer ones. */
export type CodeName = keyof typeof CODES;

export const CLOSE_CODES = {
  1000: { name: "normal", text: "The client closed the connection." },
  1002: { name: "protocol_error", text: "The frames do not follow RFC 6455." },
  1003: { name: "unsupported_data", text: "Binary messages are not taken." },
  1007: { name: "invalid_utf8", text: "A text message is not UTF-8." },
  1009: { name: "message_too_big", text: "A message is larger than the server takes." },
  3000: { name: "Go away!", text: "The server ended the session, as SockJS says it." },
  4000: { name: "going_away", text: "The server stops or asks to start anew." },
  4001: { name: "too_slow", text: "The client read too slowly." },
  4002: { name: "heartbeat_missed", text: "The client was silent for too long." },
  4003: { name: "over_rate", text: "The client sent too much." },
  4500: { name: "unauthenticated", text: "The client did not say who it is." },
  4501: { name: "banned", text: "The user is banned." },
  4502: { name: "broken_protocol", text: "The client does not speak the protocol." },
} as const satisfies Record<number, { name: string; text: string }>;

/** Whether a socket closed with `code` should be opened again; 4500 to 4999 need a change first. */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}

/** The name of a close code, or its number as text where this version has no name for it. */
export function closeName(code: number): string {
  const known: Record<number, { name: string } | undefined> = CLOSE_CODES;
  return known[code]?.name ?? String(code);
}
