/**
 * What people write never runs, wherever the page shows it, and no page of the server breaks its own policy.
 * That every answer has the headers is tried in tests/it/hardening.rs.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WAYS, enterRoom, eventually, message, signIn, suite, write } from "./harness.mjs";

/** Texts that call `xss` in some browser, framework or mistake. Each is short enough for a name of a room. */
const CORPUS = [
  "<script>xss()</script>",
  "<ScRiPt>xss()</sCrIpT>",
  "<scr<script>ipt>xss()</scr</script>ipt>",
  "<img src=x onerror=xss()>",
  "<img src=x:x onerror=\"xss()\">",
  "<img/src=`x`onerror=xss()>",
  "<svg onload=xss()>",
  "<svg><script>xss()</script></svg>",
  "<svg><animate onbegin=xss() attributeName=x dur=1s>",
  "<body onload=xss()>",
  "<iframe src=\"javascript:parent.xss()\"></iframe>",
  "<iframe srcdoc=\"<script>parent.xss()</script>\">",
  "<a href=\"javascript:xss()\">click</a>",
  "<details open ontoggle=xss()>x</details>",
  "<input autofocus onfocus=xss()>",
  "<video><source onerror=xss()></video>",
  "<object data=\"javascript:xss()\">",
  "<math><mtext><style><img src=x onerror=xss()></style>",
  "<template><script>xss()</script></template>",
  "<style>@import 'javascript:xss()';</style>",
  "<base href=\"javascript:xss()//\">",
  "<meta http-equiv=refresh content=\"0;javascript:xss()\">",
  "\"><script>xss()</script>",
  "'><img src=x onerror=xss()>",
  "\" autofocus onfocus=xss() x=\"",
  "' onmouseover=xss() '",
  "</title><script>xss()</script>",
  "</textarea><script>xss()</script>",
  "--><script>xss()</script><!--",
  "javascript:xss()",
  "javascript://%0axss()",
  "{{constructor.constructor('xss()')()}}",
  "${xss()}",
  "#{xss()}",
  "&lt;script&gt;xss()&lt;/script&gt;",
  "\\u003cscript\\u003exss()\\u003c/script\\u003e",
  "%3Cscript%3Exss()%3C/script%3E",
  "]]><script>xss()</script>",
  "{\"__proto__\":{\"innerHTML\":\"<img src=x onerror=xss()>\"}}",
];

/** Names are shorter, and not every character is one of a name. */
const NICKNAMES = new Set(CORPUS.filter((text) => text.length <= 32));

/** What is no name, or is the name of somebody else, the server refuses, and nobody is shown it. */
const refused = (error) => assert.match(String(error), /: (409|422) /);

/** Watches a page: what ran, what broke the policy, and what was asked of anybody else. */
async function watch(page, server) {
  const seen = [];
  await page.exposeFunction("xss", () => seen.push("something ran"));
  await page.exposeFunction("violated", (what) => seen.push(`the policy was broken: ${what}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sourceFile, lineNumber, sample }) => {
      void globalThis.violated(`${effectiveDirective} ${blockedURI} ${sourceFile}:${lineNumber} ${sample}`);
    });
  });
  page.on("dialog", (dialog) => {
    seen.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "data:" && host !== new URL(server.url).host) seen.push(`a request to ${request.url()}`);
  });
  await page.reload();
  return seen;
}

suite("what people write is text", (house) => {
  test("as nickname, name of a room and message, for who reads and for who writes", async () => {
    const writers = [];
    for (const [number, text] of CORPUS.entries()) {
      const nickname = NICKNAMES.has(text) ? text : `writer ${number}`;
      const host =
        (await house.host(nickname, text).catch(refused)) ??
        (await house.host(`author ${number}`, text).catch(refused)) ??
        (await house.host(`poet ${number}`, `room ${number}`));
      await host.say(text);
      writers.push(host);
    }
    const hall = writers.at(-1).room;
    for (const { token } of writers) {
      await house.call("PUT", `/api/rooms/${hall.id}/members/me`, { token });
    }
    for (const [number, text] of CORPUS.entries()) {
      await house.call("POST", `/api/rooms/${hall.id}/messages`, { token: writers[number].token, body: { body: text } });
    }

    const page = await house.visitor();
    const seen = await watch(page, house.server);
    await signIn(page, "<b onclick=xss()>Ada</b>");
    await page.getByRole("link", { name: hall.name }).first().click();
    await page.getByRole("log").waitFor();
    await eventually(async () => assert.ok((await page.locator(".row-message .body").count()) >= CORPUS.length));
    await write(page, "<svg onload=xss()>");
    await message(page, "<svg onload=xss()>").last().waitFor();
    const shown = await page.locator(".row-message .body").allTextContents();
    for (const text of CORPUS) assert.ok(shown.includes(text), `${text} is not shown as it was written`);
    const links = await page.locator("a[href^='javascript:' i]").count();
    assert.equal(links, 0, "a text became a link that runs");
    assert.deepEqual(seen, []);
  });
});

suite("the policies of the pages", (house) => {
  test("the page keeps its own, in every way of being connected", async () => {
    await house.host("Grace", "kitchen");
    for (const way of Object.values(WAYS)) {
      const page = await house.visitor();
      const seen = await watch(page, house.server);
      await page.getByLabel("Connection").selectOption(way);
      await signIn(page, `Ada by ${way}`);
      await enterRoom(page, "kitchen");
      await write(page, `hello by ${way}`);
      await message(page, `hello by ${way}`).waitFor();
      assert.deepEqual(seen, [], way);
    }
  });

  test("the page of the API keeps its own, when a call is tried too", async () => {
    const page = await house.visitor();
    const seen = await watch(page, house.server);
    await page.goto("/api/docs");
    await page.locator(".opblock").first().waitFor();
    await page.locator("#operations-rooms-listRooms .opblock-summary-control").first().click();
    await page.getByRole("button", { name: "Execute" }).first().click();
    await page.locator(".live-responses-table").first().waitFor();
    assert.deepEqual(seen, []);
  });

  test("a script that got into the page would not run, and nobody may frame it", async () => {
    const page = await house.visitor();
    const seen = await watch(page, house.server);
    const outcome = await page.evaluate(async () => {
      const broken = [];
      addEventListener("securitypolicyviolation", ({ effectiveDirective }) => broken.push(effectiveDirective));
      const script = document.createElement("script");
      try {
        script.textContent = "globalThis.ran = true";
        document.body.append(script);
      } catch {
        broken.push("refused");
      }
      try {
        document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='globalThis.ran = true'>");
      } catch {
        broken.push("refused");
      }
      const frame = document.createElement("iframe");
      frame.src = "/";
      document.body.append(frame);
      await new Promise((next) => setTimeout(next, 300));
      return { ran: globalThis.ran, broken };
    });
    assert.equal(outcome.ran, undefined);
    assert.ok(outcome.broken.length >= 2, JSON.stringify(outcome));
    await eventually(async () => assert.ok(seen.length >= 2, "the watch sees nothing"));
    const response = await page.goto("/");
    const policy = response.headers()["content-security-policy"];
    assert.match(policy, /script-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
  });
});
