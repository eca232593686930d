// The page: an editor, the problems of its text, and panes about one of its networks.

import { makeEditor } from "./editor.js";
import { Panes } from "../resspec/viewer/panes.js";
import { Python } from "./python.js";
import { packed, unpacked } from "./share.js";

const START = "digits";
const QUIET = 120; // milliseconds without a key before the text is checked

const at = (id) => document.getElementById(id);
const python = new Python(showProgress);
const editor = makeEditor(at("editor"), python, onEdit);
const panes = new Panes(python, () => ({ text: editor.text, base, example }));

globalThis.playground = { editor, panes }; // for the console, and for tests

let base = ""; // the text of the example that this one came from
let example = "";
let timer = 0;
let round = 0;

function showProgress(share, words) {
  const loading = at("loading");
  loading.setAttribute("aria-valuenow", share);
  loading.querySelector("span").style.width = `${share}%`;
  loading.querySelector("p").textContent = words;
  loading.hidden = share >= 100;
}

function note(words) {
  at("notice").textContent = words;
  setTimeout(() => (at("notice").textContent = ""), 4000);
}

function onEdit() {
  panes.age();
  clearTimeout(timer);
  timer = setTimeout(refresh, QUIET);
}

/** Show the problems, then the visible pane; a newer text makes this one stop. */
async function refresh() {
  const mine = ++round;
  const problems = await editor.check();
  if (mine !== round) return;
  showProblems(problems);
  await panes.show();
}

function showProblems(problems) {
  at("count").textContent = problems.length ? `(${problems.length})` : "– none";
  const items = problems.map(({ severity, message, code, range }) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const [first, ...rest] = message.split("\n");
    item.className = severity === 1 ? "error" : "warning";
    button.append(Object.assign(document.createElement("b"), { textContent: `${code} ` }), first);
    const place = `line ${range.start.line + 1}`;
    const more = [place, ...rest.filter((line) => line.trim())].join(" · ");
    button.append(Object.assign(document.createElement("small"), { textContent: more }));
    button.addEventListener("click", () => editor.select(range));
    item.append(button);
    return item;
  });
  at("problems").replaceChildren(...items);
}

function open(text, name, original, values = {}) {
  example = name;
  base = original;
  at("example").value = name;
  panes.forget(values);
  editor.text = text;
  clearTimeout(timer);
  return refresh();
}

async function openFile(file) {
  const text = await file.text();
  await open(text, "", text);
  note(`opened ${file.name}`);
}

async function begin() {
  const about = await python.call("about");
  const examples = new Map(Object.entries(about.examples));
  at("examples").replaceChildren(...[...examples.keys()].map((name) => new Option(name, name)));
  at("example").addEventListener("change", ({ target }) => {
    const text = examples.get(target.value);
    if (text === undefined) note("there is no such example");
    else open(text, target.value, text);
  });

  const shared = await unpacked(location.hash).catch(() => null);
  if (location.hash && !shared) note("this link is damaged; here is an example");
  const name = shared ? shared.example : START;
  const original = examples.get(name) ?? shared?.text;
  await open(shared ? shared.text : original, name, original, shared?.values);
  showProgress(100, "");
  document.body.dataset.ready = "yes";
}

at("share").addEventListener("click", async () => {
  const hash = await packed({ text: editor.text, example, values: panes.values });
  history.replaceState(null, "", hash);
  try {
    await navigator.clipboard.writeText(location.href);
    note("link copied");
  } catch {
    note("the link is in the address bar");
  }
});
at("open").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", ({ target }) => target.files[0] && openFile(target.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) openFile(file);
});

begin().catch((error) => showProgress(0, `resspec could not be loaded: ${error.message}`));
