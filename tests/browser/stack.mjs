// The local stack as a process of ours, with nothing installed, and what the vendors' people do in it.

import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STACK_JSON = `${ROOT}target/local/stack.json`;

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A running stack. */
export class Stack {
  static async start() {
    await rm(STACK_JSON, { force: true });
    const command = ["run", "--quiet", "--locked", "-p", "local", "--", "serve", "--bare"];
    const child = spawn("cargo", command, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"], detached: true });
    const stack = new Stack(child);
    try {
      // A first build takes minutes.
      await stack.until("the stack serves", async () => {
        if (child.exitCode !== null) throw new Error(`the stack ended with ${child.exitCode}`);
        stack.info = JSON.parse(await readFile(STACK_JSON, "utf8").catch(() => "null"));
        return stack.info !== null;
      }, 900);
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  constructor(child) {
    this.child = child;
  }

  get base() {
    return this.info.public_base_url;
  }

  /** Cargo and what it started: a group of their own. */
  async stop() {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((done) => this.child.once("exit", done));
    process.kill(-this.child.pid, "SIGTERM");
    await ended;
  }

  async tell(vendor, path, body) {
    const answer = await fetch(`${this.info[`${vendor}_url`]}/_sim/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${vendor} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  seed(vendor, seed) {
    return this.tell(vendor, "seed", seed);
  }

  /** Enrolls a deal into *Create QuickBooks invoice*; answers what the workflow's history shows. */
  enroll(deal, company = "default") {
    const inputs = { quickbooks_account: company, due_days: "30" };
    const portal_id = this.info.portal_id;
    return this.tell("hubspot", "executions", { action: "invoice", portal_id, object_type: "DEAL", object_id: deal, inputs });
  }

  /** Corrects a line of a deal in HubSpot. */
  async mendLine(id, properties) {
    const { portal_id } = this.info;
    const state = await (await fetch(`${this.info.hubspot_url}/_sim/state`)).json();
    const { objects } = state.portals.find((portal) => portal.portal_id === portal_id);
    const line = objects.line_items.find((line) => line.id === id);
    const mended = { ...line, properties: { ...line.properties, ...properties } };
    await this.seed("hubspot", { portals: [{ portal_id, objects: { line_items: [mended] } }] });
  }

  /** The stack's schedules go by its clock: a minute passes at once. */
  minutePasses() {
    return this.tell("hubspot", "clock", { advance_seconds: 60 });
  }

  async until(what, holds, seconds = 60) {
    const end = Date.now() + seconds * 1000;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`in ${seconds} seconds it did not come about that ${what}`);
      await pause(500);
    }
  }
}
