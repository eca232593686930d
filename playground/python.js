// Calls of the worker that runs resspec.

export class Python {
  constructor(onProgress) {
    this.waiting = new Map();
    this.last = 0;
    this.worker = new Worker("worker.js", { type: "module" });
    this.worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(event.message || "the worker failed");
      for (const { reject } of this.waiting.values()) reject(error);
    };
    this.worker.onmessage = ({ data }) => {
      if ("progress" in data) return onProgress(data.progress, data.words);
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("error" in data) reject(new Error(data.error));
      else resolve(data.result);
    };
  }

  /** The result of a method of `resspec.commands.panes.Playground`. */
  call(method, argument) {
    const id = ++this.last;
    const text = argument === undefined ? undefined : JSON.stringify(argument);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, method, text });
    });
  }
}
