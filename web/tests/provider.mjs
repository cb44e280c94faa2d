/**
 * A real provider of OpenID Connect (npm's oidc-provider) in this process, with people who need no password.
 * Who logs in as NAME is NAME; all of them have the same verified e-mail, which must make nobody somebody else.
 */
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

export const SECRET = "a secret of the provider and the chat";

/** Everybody's address. */
export const EMAIL = "everybody@example.com";

export class OpenIdProvider {
  /** The issuer. */
  url = "";
  #server = createServer();
  #provider;
  /** Everything it was asked for, as `METHOD /path?query`. */
  asked = [];
  /** Where the last browser was to be sent back to, whether it was or not. */
  wayBack = "";
  /** Whether browsers are kept here instead of being sent back. */
  keeps = false;

  async listen() {
    await new Promise((next) => this.#server.listen(0, "127.0.0.1", next));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Lets clients of these names log people in, and sends people back to the chat at `chat`. */
  serve(chat, clients) {
    this.#provider = new Provider(this.url, {
      clients: clients.map(({ id, callback, ...more }) => ({
        client_id: id,
        client_secret: SECRET,
        redirect_uris: [`${chat}/api/auth/callback/${callback}`],
        ...more,
      })),
      jwks: { keys: [key("rsa", { modulusLength: 2048 }, "RS256"), key("ed25519", {}, "EdDSA")] },
      enabledJWA: { idTokenSigningAlgValues: ["RS256", "EdDSA"] },
      claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
      cookies: { keys: ["a key of the cookies of this test"] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, preferred_username: id, email: EMAIL, email_verified: true }),
      }),
      pkce: { required: () => true },
      ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 600, Session: 600, Grant: 600 },
    });
    const answer = this.#provider.callback();
    this.#server.on("request", (request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      this.#watch(response, chat);
      answer(request, response);
    });
  }

  #watch(response, chat) {
    const end = response.end.bind(response);
    response.end = (...rest) => {
      const location = String(response.getHeader("location") ?? "");
      if (!location.startsWith(chat)) return end(...rest);
      this.wayBack = location;
      if (!this.keeps) return end(...rest);
      response.removeHeader("location");
      response.removeHeader("content-length");
      response.statusCode = 200;
      response.setHeader("content-type", "text/html");
      return end("<main>kept</main>");
    };
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((next) => this.#server.close(next));
  }
}

function key(kind, options, alg) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg, kid: `key for ${alg}` };
}
