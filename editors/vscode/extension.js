// The extension for VS Code: it starts `resspec lsp`, which does all the work.

const vscode = require("vscode");
const { LanguageClient, RevealOutputChannelOn } = require("vscode-languageclient/node");

let client;

function started() {
  const [command, ...args] = vscode.workspace.getConfiguration("resspec").get("command");
  const server = { command, args, options: { env: process.env } };
  const options = {
    documentSelector: [{ language: "resspec" }, { language: "yaml" }],
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{res,yaml,yml}") },
  };
  client = new LanguageClient("resspec", "resspec", { run: server, debug: server }, options);
  return client.start().catch((error) => {
    const text = `resspec: cannot start \`${[command, ...args].join(" ")}\`: ${error.message}. `;
    vscode.window.showErrorMessage(text + "Set `resspec.command` to where resspec is installed.");
  });
}

async function restarted() {
  await client.stop().catch(() => undefined);
  await started();
}

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("resspec.restart", restarted),
    vscode.commands.registerCommand("resspec.show", () => undefined),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("resspec.command")) {
        restarted();
      }
    }),
  );
  await started();
};

exports.deactivate = () => client && client.stop();
