// CodeMirror, with the language server for problems, completion, hover and fixes.

import { autocompletion } from "@codemirror/autocomplete";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { EditorView, hoverTooltip, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { resspec } from "../editors/codemirror/resspec.js";

const URI = "file:///home/pyodide/mine.res";
const SEVERITIES = { 1: "error", 2: "warning", 3: "info", 4: "hint" };
const COLORS = HighlightStyle.define([
  { tag: tags.comment, color: "var(--comment)" },
  { tag: tags.keyword, color: "var(--keyword)" },
  { tag: tags.typeName, color: "var(--layer)" },
  { tag: tags.labelName, color: "var(--label)" },
  { tag: [tags.number, tags.bool], color: "var(--number)" },
  { tag: tags.string, color: "var(--string)" },
  { tag: tags.definition(tags.variableName), fontWeight: "600" },
]);

export function makeEditor(parent, python, onEdit) {
  const server = new LanguageServer(python);
  const view = new EditorView({
    parent,
    extensions: [
      basicSetup,
      StreamLanguage.define(resspec),
      syntaxHighlighting(COLORS),
      autocompletion({ override: [(context) => completions(server, context)] }),
      hoverTooltip((view, position) => hover(server, view, position)),
      keymap.of([{ key: "Shift-Alt-f", run: (view) => (format(server, view), true) }]),
      EditorView.contentAttributes.of({ "aria-label": "Spec", spellcheck: "false" }),
      EditorView.updateListener.of((update) => update.docChanged && onEdit()),
    ],
  });
  return new Editor(view, server);
}

class Editor {
  constructor(view, server) {
    this.view = view;
    this.server = server;
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  /** The problems of the text; they are marked in it too. */
  async check() {
    const state = this.view.state;
    const problems = await this.server.update(state.doc.toString());
    if (this.view.state.doc.eq(state.doc)) {
      const marks = problems.map((each) => mark(this.server, state.doc, each));
      this.view.dispatch(setDiagnostics(this.view.state, marks));
    }
    return problems;
  }

  select({ start, end }) {
    const doc = this.view.state.doc;
    const selection = { anchor: offset(doc, start), head: offset(doc, end) };
    this.view.dispatch({ selection, scrollIntoView: true });
    this.view.focus();
  }
}

class LanguageServer {
  constructor(python) {
    this.python = python;
    this.version = 0;
    this.number = 0;
    this.text = null;
    this.problems = this.begin(); // of the newest text, once they are known
  }

  async begin() {
    await this.send({ id: 0, method: "initialize", params: { capabilities: {} } });
    await this.send({ method: "initialized", params: {} });
    return [];
  }

  send(message) {
    return this.python.call("message", { jsonrpc: "2.0", ...message });
  }

  /** Send the newest text, and return its problems. */
  update(text) {
    if (text !== this.text) {
      this.text = text;
      this.problems = this.updated(text, this.problems);
    }
    return this.problems;
  }

  async updated(text, before) {
    let problems = await before;
    const version = ++this.version;
    const opening = version === 1;
    const document = opening
      ? { textDocument: { uri: URI, languageId: "resspec", version, text } }
      : { textDocument: { uri: URI, version }, contentChanges: [{ text }] };
    const method = opening ? "textDocument/didOpen" : "textDocument/didChange";
    for (const { method: name, params } of await this.send({ method, params: document })) {
      if (name === "textDocument/publishDiagnostics" && params.uri === URI) problems = params.diagnostics;
    }
    return problems;
  }

  async request(method, params) {
    const id = ++this.number;
    const answers = await this.send({ id, method, params: { textDocument: { uri: URI }, ...params } });
    return answers.find((each) => each.id === id)?.result ?? null;
  }
}

function offset(doc, { line, character }) {
  const found = doc.line(Math.min(line + 1, doc.lines));
  return Math.min(found.from + character, found.to);
}

function place(doc, position) {
  const line = doc.lineAt(position);
  return { line: line.number - 1, character: position - line.from };
}

function changes(doc, edits) {
  return edits.map(({ range, newText }) => ({
    from: offset(doc, range.start),
    to: offset(doc, range.end),
    insert: newText,
  }));
}

function mark(server, doc, problem) {
  const { range, severity, message, code } = problem;
  const from = offset(doc, range.start);
  const to = Math.max(offset(doc, range.end), from);
  const fix = { name: "Fix", apply: (view) => repair(server, view, problem) };
  return { from, to, severity: SEVERITIES[severity], source: String(code), message, actions: [fix] };
}

async function repair(server, view, problem) {
  const context = { diagnostics: [problem] };
  const found = await server.request("textDocument/codeAction", { range: problem.range, context });
  const edits = found?.map((each) => each.edit?.changes?.[URI] ?? each.edit?.documentChanges?.[0]?.edits).find(Boolean);
  if (edits) view.dispatch({ changes: changes(view.state.doc, edits) });
}

async function completions(server, context) {
  const word = context.matchBefore(/[\w.\/]*/);
  if (!context.explicit && (!word || word.from === word.to)) return null;
  await server.update(context.state.doc.toString());
  const found = await server.request("textDocument/completion", { position: place(context.state.doc, context.pos) });
  const items = Array.isArray(found) ? found : found?.items;
  if (!items?.length) return null;
  const options = items.map((item) => ({
    label: item.label,
    detail: item.detail,
    info: plain(item.documentation),
    apply: item.textEdit?.newText ?? item.insertText ?? item.label,
  }));
  return { from: word ? word.from : context.pos, options, validFor: /^[\w.\/]*$/ };
}

async function hover(server, view, position) {
  await server.update(view.state.doc.toString());
  const found = await server.request("textDocument/hover", { position: place(view.state.doc, position) });
  const text = plain(found?.contents);
  if (!text) return null;
  const dom = Object.assign(document.createElement("pre"), { textContent: text });
  return { pos: position, above: true, create: () => ({ dom }) };
}

async function format(server, view) {
  await server.update(view.state.doc.toString());
  const options = { tabSize: 4, insertSpaces: true };
  const edits = await server.request("textDocument/formatting", { options });
  if (edits?.length) view.dispatch({ changes: changes(view.state.doc, edits) });
}

/** Markdown as plain text: without fences, with names as they are. */
function plain(contents) {
  const text = typeof contents === "string" ? contents : (contents?.value ?? "");
  return text.replace(/^```.*$/gm, "").replace(/\\([\\`*_{}[\]<>()#+.!|~-])/g, "$1").trim();
}
