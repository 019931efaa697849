// A person's way through the product in a real browser: install, connect, run, mend, retry, disconnect, reconnect.
//
// `npm run walk` starts the local stack with nothing installed, walks, keeps pictures of every page in target/screens, and
// fails with what was not as it must be. Both vendors are the simulators; the functions are the real ones.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

import { look } from "./look.mjs";
import { Stack } from "./stack.mjs";

const SCREENS = fileURLToPath(new URL("../../target/screens", import.meta.url));

// As infra/local/src/world.rs has them.
const HARBOR = 8_800_000_001;
const LETTERING = 8_800_000_005;
const LETTERING_LINE = "501";
const FIRST = "Alder Street Coffee Roasters";
const SECOND = { realm_id: "9130350000000002", name: "Beech Street Bakers" };

// Without the background flags Chromium looks for hosts of its maker at every start.
const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
};

/** One person in one browser. */
class Person {
  constructor(page, stack) {
    this.page = page;
    this.stack = stack;
  }

  async open(path) {
    await this.page.goto(`${this.stack.base}${path}`);
  }

  async click(name) {
    await this.page.getByRole("link", { name, exact: true }).or(this.page.getByRole("button", { name, exact: true })).first().click();
  }

  async sees(...texts) {
    for (const text of texts) {
      await this.page.getByText(text).first().waitFor({ timeout: 10_000 });
    }
  }

  async looks(name) {
    await look(this.page, SCREENS, name);
  }

  /** Through Intuit's consent page and our confirmation. */
  async connects(company, picture) {
    await this.page.getByRole("radio", { name: company }).check();
    await this.click("Connect");
    await this.sees("Is this the right company?", company);
    if (picture) await this.looks(picture);
    await this.click("Connect this company");
    await this.page.waitForURL(/\/console/);
    await this.sees(company);
  }

  async opensExecution(history) {
    await this.open(`/console/execution?id=${encodeURIComponent(history.outputs.execution_id)}`);
  }
}

const step = (what) => console.log(`- ${what}`);

async function installs(person) {
  step("install: without a session the console leads to HubSpot, and back");
  await person.open("/console");
  await person.page.waitForURL(/\/oauth\/authorize/);
  await person.click("Connect app");
  await person.page.waitForURL(/\/console$/);
  await person.sees("No QuickBooks company is connected yet");
  await person.looks("companies-none");
  await person.open("/console/activity");
  await person.sees("Nothing here yet");
  await person.looks("activity-none");
}

async function connectsTwo(person) {
  step("connect two companies through Intuit's consent page");
  await person.stack.seed("quickbooks", { companies: [SECOND] });
  await person.open("/console");
  await person.click("Connect to QuickBooks");
  await person.connects(FIRST, "confirm");
  await person.click("Connect another company");
  await person.connects(SECOND.name);
  await person.sees(FIRST, SECOND.name);
  await person.looks("companies");
}

async function choosesDefault(person) {
  step("the default is the first, then the second, then the first again");
  for (const name of [SECOND.name, FIRST]) {
    await person.open("/console");
    await person.click(`Manage ${name}`);
    await person.click("Make default");
    await person.sees("The default company was changed.", "use this company.");
  }
  await person.looks("company");
  await person.page.getByRole("textbox", { name: "Name" }).fill("Alder Street");
  await person.click("Rename");
  await person.sees("The company has a new name here.");
  await person.page.getByRole("textbox", { name: "Name" }).fill(" ");
  await person.click("Rename");
  await person.sees("A name has 1 to 100 characters");
  await person.looks("company-name-wrong");
}

async function changesSettings(person) {
  step("settings: a wrong file is explained, a right one is compared and saved");
  await person.open("/console");
  await person.click("Manage Alder Street");
  await person.click("Export and import");
  await person.looks("settings");
  const text = person.page.getByRole("textbox", { name: "Settings as JSON" });
  await text.fill('{"version": 1, "fee_itm": "6"}');
  await person.click("Show what changes");
  await person.sees("is no setting. There are: version, ");
  await person.looks("settings-wrong");
  assert.equal(await text.inputValue(), '{"version": 1, "fee_itm": "6"}', "what was typed is not lost");
  const chosen = { name: "settings.json", mimeType: "application/json", buffer: Buffer.from('{"version": 1, "fee_item": "6"}') };
  await person.page.getByLabel("Or choose a file").setInputFiles(chosen);
  await person.click("Show what changes");
  await person.sees("What would change");
  await person.looks("settings-compared");
  await person.click("Save these settings");
  await person.sees("The settings are saved.");
}

async function runsAWorkflow(person) {
  step("a workflow runs, and the activity shows its invoice");
  const history = await person.stack.enroll(HARBOR);
  assert.equal(history.state, "SUCCESS", JSON.stringify(history));
  await person.open("/console/activity");
  await person.sees("Invoice 1001", "949.40", `Deal ${HARBOR}`);
  await person.looks("activity");
  await person.click("Invoice 1001");
  await person.sees("Created", history.outputs.document_id);
  await person.looks("execution");
}

async function mendsAndRetries(person) {
  step("a failed one is mended in HubSpot and retried");
  const failed = await person.stack.enroll(LETTERING);
  assert.equal(failed.outputs.errorCode, "ITEM_NOT_FOUND", JSON.stringify(failed));
  await person.open("/console/activity?state=failed");
  await person.sees("Product missing");
  await person.opensExecution(failed);
  await person.sees("Window lettering", "Create the product in QuickBooks");
  await person.looks("execution-failed");
  await person.stack.mendLine(LETTERING_LINE, { name: "Delivery", hs_sku: "SVC-DLV" });
  await person.click("Retry");
  await person.sees("The execution is tried again. This is the new one.");
  await person.looks("execution-retried");
  await person.stack.until("the retry is done", async () => {
    await person.stack.minutePasses();
    await person.page.reload();
    return (await person.page.getByRole("heading", { name: /^Invoice \d+ Created/ }).count()) > 0;
  });
  await person.looks("execution-of-a-retry");
  await person.page.getByRole("link", { name: failed.outputs.execution_id, exact: true }).click();
  await person.sees("Retried as");
  assert.equal(await person.page.getByRole("button", { name: "Retry" }).count(), 0, "there is one retry at most");
  await person.looks("execution-failed-and-retried");
}

async function disconnectsAndReconnects(person) {
  step("disconnect: the next execution says so; reconnect: it works again");
  await person.open("/console");
  await person.click("Manage Alder Street");
  await person.click("Disconnect");
  await person.sees("Disconnect Alder Street?");
  await person.looks("disconnect");
  await person.click("Disconnect the company");
  await person.page.waitForURL(/\/console/);
  assert.equal(await person.page.getByText("Alder Street").count(), 0, "it is gone from the list");
  await person.sees("No company is the default.");
  await person.looks("companies-without-default");
  const failed = await person.stack.enroll(HARBOR, person.stack.info.realm_ids[0]);
  assert.equal(failed.outputs.errorCode, "COMPANY_NOT_LINKED", JSON.stringify(failed));
  await person.opensExecution(failed);
  await person.sees("is not connected to this HubSpot account");
  await person.open("/console");
  await person.click("Connect another company");
  await person.connects(FIRST);
  const history = await person.stack.enroll(HARBOR, person.stack.info.realm_ids[0]);
  assert.equal(history.state, "SUCCESS", JSON.stringify(history));
}

async function readsFrench(browser, person) {
  step("the same pages in French");
  const context = await browser.newContext({ ...CONTEXT, locale: "fr-FR", storageState: await person.page.context().storageState() });
  const french = new Person(await context.newPage(), person.stack);
  await french.open("/console");
  await french.sees("Entreprises", "Se déconnecter");
  await french.looks("fr-companies");
  await french.open("/console/activity");
  await french.looks("fr-activity");
  await french.open("/console/activity?state=failed");
  await french.page.locator("tbody a").first().click();
  await french.sees("Tentatives");
  await french.looks("fr-execution-failed");
  await context.close();
}

async function keepsTheApp(person) {
  step("uninstall: asked first, and not done");
  await person.open("/console");
  await person.click("Uninstall the app");
  await person.sees("Uninstall the app?");
  await person.looks("uninstall");
  await person.click("Keep the app");
  await person.sees("Alder Street");
}

async function signsOut(person) {
  step("sign out: the session is over");
  await person.open("/console/nothing");
  await person.sees("There is no such page.");
  await person.looks("not-found");
  await person.open("/console");
  await person.click("Sign out");
  await person.looks("signed-out");
  await person.open("/console");
  await person.page.waitForURL(/\/oauth\/authorize/);
}

// Pictures show no half-done transitions. The pages allow no script, so axe comes in past their policy.
const CONTEXT = { bypassCSP: true, reducedMotion: "reduce", locale: "en-US" };

async function walk() {
  await rm(SCREENS, { recursive: true, force: true });
  const stack = await Stack.start();
  const browser = await chromium.launch(CHROMIUM);
  try {
    const context = await browser.newContext(CONTEXT);
    const person = new Person(await context.newPage(), stack);
    await installs(person);
    await connectsTwo(person);
    await choosesDefault(person);
    await runsAWorkflow(person);
    await changesSettings(person);
    await mendsAndRetries(person);
    await disconnectsAndReconnects(person);
    await readsFrench(browser, person);
    await keepsTheApp(person);
    await signsOut(person);
  } finally {
    await browser.close();
    await stack.stop();
  }
  console.log(`Walked; the pictures are in ${SCREENS}`);
}

await walk();
