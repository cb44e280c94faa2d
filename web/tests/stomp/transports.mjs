/** What carries STOMP: a WebSocket, or SockJS with one transport forced. */
import SockJsSocket from "sockjs-client";
import { WebSocket } from "ws";

/** Something like a WebSocket to a server, by the name of a transport. */
export const TRANSPORTS = {
  websocket: ({ url }) => new WebSocket(`${url.replace("http", "ws")}/ws`, ["v12.stomp", "v11.stomp", "v10.stomp"]),
  "sockjs websocket": sockjs("websocket"),
  "sockjs xhr-streaming": sockjs("xhr-streaming"),
  "sockjs eventsource": sockjs("eventsource"),
  "sockjs xhr-polling": sockjs("xhr-polling"),
};

function sockjs(transport) {
  return ({ url }) => new SockJsSocket(`${url}/ws`, null, { transports: [transport] });
}
