// Starts s3rver on a free port of loopback; ends with its input.
const S3rver = require("s3rver");

const [directory] = process.argv.slice(2);
const server = new S3rver({ address: "127.0.0.1", port: 0, directory, silent: true });
server.run().then(({ port }) => console.log(`port ${port}`));
process.stdin.on("end", () => process.exit(0)).resume();
