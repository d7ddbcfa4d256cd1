// Starts `mpc lsp`, which answers all that the editor asks about a text.
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  client = new LanguageClient("mpc", { command: "mpc", args: ["lsp"] }, { documentSelector: [{ language: "topo" }] });
  return client.start();
};

exports.deactivate = () => client && client.stop();
