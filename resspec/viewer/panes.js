// Report, drawing, PyTorch source and diff of one network. Only the visible pane is computed.

const at = (id) => document.getElementById(id);

export class Panes {
  constructor(python, state) {
    this.python = python;
    this.state = state;
    this.kind = "report";
    this.network = "";
    this.values = {};
    this.round = 0;
    this.tabs = [...document.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => this.choose(tab));
      tab.addEventListener("keydown", (event) => this.move(tab, event));
    }
    at("network").addEventListener("change", ({ target }) => {
      this.network = target.value;
      this.values = {};
      this.show();
    });
    at("parameters").addEventListener("submit", (event) => event.preventDefault());
    at("parameters").addEventListener("change", ({ target }) => {
      if (target.value.trim()) this.values[target.name] = target.value;
      else delete this.values[target.name];
      this.show();
    });
  }

  /** Another text: its networks are not known yet, but values for its parameters may be. */
  forget(values = {}) {
    this.network = "";
    this.values = values;
  }

  /** The text has changed, and what is shown is of the one before. */
  age() {
    at("pane").classList.add("stale");
  }

  choose(tab) {
    this.kind = tab.dataset.kind;
    for (const each of this.tabs) {
      each.setAttribute("aria-selected", each === tab);
      each.tabIndex = each === tab ? 0 : -1;
    }
    at("pane").setAttribute("aria-labelledby", tab.id);
    this.show();
  }

  move(tab, event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const count = this.tabs.length;
    const next = this.tabs[(this.tabs.indexOf(tab) + step + count) % count];
    next.focus();
    this.choose(next);
  }

  async show() {
    const mine = ++this.round;
    this.age();
    const { text, base, example } = this.state();
    const name = `${(example || "mine").split("/").pop()}.res`;
    const request = { kind: this.kind, name, text, network: this.network, values: this.values };
    const answer = await this.python.call("pane", { ...request, base, baseName: `example/${name}` });
    if (mine !== this.round) return;
    this.offer(answer);
    const pane = at("pane");
    pane.classList.remove("stale");
    if (answer.problem) pane.replaceChildren(preformatted(answer.problem));
    else if (answer.html) framed(pane, answer.html);
    else if (answer.svg) pane.replaceChildren(drawn(answer.svg));
    else if (answer.source) pane.replaceChildren(copier(answer.source), preformatted(answer.source));
  }

  /** The choice of networks, and fields for the parameters of the chosen one. */
  offer({ networks, network }) {
    const names = Object.keys(networks);
    at("which").hidden = names.length < 2;
    at("network").replaceChildren(...names.map((name) => new Option(name, name, false, name === network)));
    const parameters = Object.entries(networks[network] ?? {});
    const form = at("parameters");
    form.hidden = !parameters.length;
    if (form.dataset.shown === JSON.stringify(parameters)) return;
    form.dataset.shown = JSON.stringify(parameters);
    form.replaceChildren(...parameters.map(([name, value]) => field(name, value, this.values[name])));
  }
}

function field(name, value, given) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { name, placeholder: value ?? "no value" });
  input.value = given ?? "";
  label.append(name, input);
  return label;
}

function preformatted(text) {
  return Object.assign(document.createElement("pre"), { textContent: text });
}

function copier(text) {
  const button = Object.assign(document.createElement("button"), { className: "copy", textContent: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
  return button;
}

function framed(pane, html) {
  const frame = document.createElement("iframe");
  frame.title = "page";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.srcdoc = html;
  pane.replaceChildren(frame);
}

/** Drawings are made by resspec, which escapes all names. */
function drawn(svg) {
  const box = Object.assign(document.createElement("div"), { className: "drawing" });
  box.append(document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true));
  return box;
}
