// The one place that knows which Node is too old. It is parsed by that Node too, so it keeps to old syntax.
const oldest = [20, 19];

export function onSupportedNode(load) {
  const version = process.versions.node.split('.').map(Number);
  if (version[0] < oldest[0] || (version[0] === oldest[0] && version[1] < oldest[1])) {
    console.error(
      'Remote Claude needs Node ' +
        oldest.join('.') +
        ' or newer, and this is Node ' +
        process.versions.node +
        ': install a newer Node and run the same command again.',
    );
    process.exit(1);
  }
  load()
    .then(function (command) {
      return command.main(process.argv.slice(2));
    })
    .then(function (exitCode) {
      process.exitCode = exitCode;
    })
    .catch(function (error) {
      console.error(error && error.plain ? error.message : error);
      process.exit(1);
    });
}
