/**
 * Three STOMP libraries behind one face, each used as its own manual says, and each coming back by itself.
 * What they share is small: connect, send, subscribe, transactions, receipts.
 */
import { createRequire } from "node:module";
import { Client } from "@stomp/stompjs";
import webstomp from "webstomp-client";

const { Stomp } = createRequire(import.meta.url)("stompjs/lib/stomp.js");
// The file for browsers finds these at `window`, the one for Node asks for a WebSocket of its own.
Stomp.setInterval = (pause, tick) => setInterval(tick, pause);
Stomp.clearInterval = (timer) => clearInterval(timer);

/** The pause before a new try, in milliseconds. */
const PAUSE = 100;

/**
 * Each opens connections with `socket()` and `headers` until it is stopped. `onConnect` gets what can be done on the
 * new one, `onReceipt` the name of a receipt.
 */
export const LIBRARIES = { "@stomp/stompjs": modern, stompjs: ancient, "webstomp-client": webstompClient };

function modern({ socket, headers, beat, onConnect, onReceipt }) {
  const client = new Client({
    webSocketFactory: socket,
    connectHeaders: headers,
    reconnectDelay: PAUSE,
    heartbeatIncoming: beat,
    heartbeatOutgoing: beat,
    onConnect: (frame) =>
      onConnect({
        welcome: frame.headers,
        send: (destination, body, more) => client.publish({ destination, body, headers: more }),
        subscribe: (destination, heard, more) => client.subscribe(destination, heard, more),
        begin: (name) => client.begin(name),
        commit: (name) => client.commit(name),
        abort: (name) => client.abort(name),
      }),
    onUnhandledReceipt: (frame) => onReceipt(frame.headers["receipt-id"]),
  });
  client.activate();
  return { stop: () => client.deactivate() };
}

function ancient(options) {
  return again(options, (socket, connected, lost) => {
    const client = Stomp.over(socket);
    client.debug = () => {};
    client.heartbeat = { incoming: options.beat, outgoing: options.beat };
    client.onreceipt = (frame) => options.onReceipt(frame.headers["receipt-id"]);
    client.connect(options.headers, (frame) => {
      const { send, ...rest } = face(client, frame);
      connected({ ...rest, send: (destination, body, more) => send(destination, more, body) });
    }, lost);
    return client;
  });
}

function webstompClient(options) {
  return again(options, (socket, connected, lost) => {
    const heartbeat = { incoming: options.beat, outgoing: options.beat };
    const client = webstomp.over(socket, { debug: false, heartbeat });
    client.onreceipt = (frame) => options.onReceipt(frame.headers["receipt-id"]);
    client.connect(options.headers, (frame) => connected(face(client, frame)), lost);
    return client;
  });
}

function face(client, frame) {
  return {
    welcome: frame.headers,
    send: (destination, body, more) => client.send(destination, body, more),
    subscribe: (destination, heard, more) => client.subscribe(destination, heard, more),
    begin: (name) => client.begin(name),
    commit: (name) => client.commit(name),
    abort: (name) => client.abort(name),
  };
}

/** What front ends with the older libraries do in their error callback. */
function again({ socket, onConnect }, open) {
  let stopped = false;
  let client;
  const go = () => {
    if (stopped) return;
    let over = false;
    client = open(
      socket(),
      (session) => {
        if (stopped) client.disconnect();
        else onConnect(session);
      },
      () => {
        if (!over) setTimeout(go, PAUSE);
        over = true;
      },
    );
  };
  go();
  return {
    stop: () => {
      stopped = true;
      if (client.connected) client.disconnect();
    },
  };
}
