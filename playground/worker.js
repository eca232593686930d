// Runs resspec in Pyodide. The page sends {id, method, text}; the answer is {id, result}.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const step = (share, words) => postMessage({ progress: share, words });

async function begin() {
  step(10, "Loading Python…");
  const fetched = fetch("./resspec.zip").then((response) => response.arrayBuffer());
  const python = await loadPyodide({ indexURL: "./pyodide/" });
  step(65, "Loading resspec…");
  const folder = "/lib/resspec-packages";
  python.unpackArchive(await fetched, "zip", { extractDir: folder });
  const playground = python.runPython(`
import sys
sys.path.insert(0, "${folder}")
from resspec.commands.panes import Playground
Playground()
`);
  step(95, "Checking…");
  return playground;
}

const ready = begin();

onmessage = async ({ data: { id, method, text } }) => {
  try {
    const playground = await ready;
    const result = text === undefined ? playground[method]() : playground[method](text);
    postMessage({ id, result: JSON.parse(result) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};
