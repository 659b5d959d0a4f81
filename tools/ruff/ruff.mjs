// SPDX-License-Identifier: GPL-2.0
//
// The Python linter of "make check": ruff as WebAssembly, which runs wherever node does.
// Usage: node ruff.mjs MODULES-DIR FILE...; one line per finding, status 1 if there is any.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const [modules, ...files] = process.argv.slice(2);
if (!modules || !files.length) {
	console.error("usage: node ruff.mjs MODULES-DIR FILE...");
	process.exit(2);
}

const require = createRequire(path.join(path.resolve(modules), "package.json"));
const { Workspace, PositionEncoding } = require("@astral-sh/ruff-wasm-nodejs");
const options = JSON.parse(readFileSync(new URL("options.json", import.meta.url), "utf-8"));
const workspace = new Workspace(options, PositionEncoding.Utf32);

let found = 0;
for (const file of files) {
	for (const item of workspace.check(readFileSync(file, "utf-8"))) {
		const at = item.start_location;
		console.log(`${file}:${at.row}:${at.column}: ${item.code ?? "syntax"} ${item.message}`);
		found++;
	}
}
process.exit(found ? 1 : 0);
