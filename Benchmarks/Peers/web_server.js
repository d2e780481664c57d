// The route of the group `web` on Node's bare `http`: JSON in, JSON out.
//
//     node web_server.js PORT BODY

const http = require("http");

const body = JSON.parse(process.argv[3]);

http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    JSON.parse(Buffer.concat(pieces).toString());
    const text = JSON.stringify(body);
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(text),
    });
    response.end(text);
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
