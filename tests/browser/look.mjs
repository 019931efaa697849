// Looking at a page: screenshots of it wide and narrow, light and dark, and what axe finds in each.

import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const axe = require.resolve("axe-core/axe.min.js");

const WIDTHS = { wide: { width: 1200, height: 800 }, narrow: { width: 390, height: 800 } };

/** Keeps pictures of a page under a name in `folder`; throws with every violation that axe finds. */
export async function look(page, folder, name) {
  await mkdir(folder, { recursive: true });
  const found = [];
  for (const [width, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      found.push(...(await violations(page)).map((what) => `${name}, ${width}, ${colorScheme}: ${what}`));
      found.push(...(await overflow(page)).map((what) => `${name}, ${width}: ${what}`));
    }
  }
  await page.setViewportSize(WIDTHS.wide);
  await page.emulateMedia({ colorScheme: "light" });
  if (found.length > 0) throw new Error(found.join("\n"));
}

/** The pages allow no script, so axe goes in by the debugger: `bypassCSP` of the context. */
async function violations(page) {
  await page.addScriptTag({ path: axe });
  const report = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return report.violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target).join("; ")})`);
}

/** A page that is wider than its window makes people scroll sideways. */
async function overflow(page) {
  const [content, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  return content > shown ? [`the page is ${content} pixels wide in a window of ${shown}`] : [];
}
