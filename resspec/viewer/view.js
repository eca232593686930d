// The page of `resspec view`: panes about a file, computed by the command, newest text first.

import { Panes } from "./panes.js";

const RETRY = 1000; // milliseconds

async function sent(address, body) {
  const response = await fetch(address, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

const local = { call: (method, request) => sent("pane", request) };
const panes = new Panes(local, () => ({}));

function note(words) {
  document.getElementById("notice").textContent = words;
}

/** Show the file again whenever it has changed; the command answers once it has. */
async function follow() {
  let seen = null;
  for (;;) {
    try {
      const { state } = await sent("changed", { seen });
      note("");
      if (state !== seen) await panes.show();
      seen = state;
    } catch (error) {
      note("resspec view was stopped; start it again to continue");
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
}

follow();
