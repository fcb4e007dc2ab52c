// What hostile code tries with the network: a shell's command each, for any kind of place. Targets and their addresses come as
// variables; a way whose target is not there is not one of this machine. What is said at the other end shows that it was reached.

/**
 * An ordinary container on a network of the tests' engine; one that has the engine's own network; this machine; a network
 * namespace that nobody else is in; the other session. Where sessions are processes, the machine stands for the first two.
 */
export type Control = 'network' | 'engine' | 'machine' | 'apart' | 'neighbour';

export interface WayOut {
  command: string;
  /** In what it printed: it got there. */
  got: RegExp;
  /** Where the very same command gets there. */
  control: Control;
  /** What not every kernel has: it may be missing where nothing refuses it. */
  isRare: boolean;
}

/** Every target answers with this, and what needs no target prints it. */
export const mark = 'reached-by-a-way-out';

/** `perl -e "$REACH" how address port bytes`: connects, sends, prints what comes. Perl is on every Debian. */
const reachProgram = `
  use Socket;
  $SIG{ALRM} = sub { die "no answer\\n" };
  alarm 6;
  my ($how, $to, $port, $bytes) = @ARGV;
  my $family = $how =~ /^(unix|abstract)$/ ? AF_UNIX : $how =~ /6$/ ? AF_INET6 : AF_INET;
  my $at = $how eq "unix" ? pack_sockaddr_un($to)
    : $how eq "abstract" ? pack_sockaddr_un("\\0$to")
    : $family == AF_INET6 ? pack_sockaddr_in6($port, Socket::inet_pton(AF_INET6, $to))
    : pack_sockaddr_in($port, inet_aton($to));
  $bytes =~ s/\\\\x([0-9a-f]{2})/chr hex $1/ge;
  socket(my $s, $family, $how =~ /^udp|^all/ ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!\\n";
  if ($how =~ /^all/) { setsockopt($s, SOL_SOCKET, SO_BROADCAST, 1) or die "broadcast: $!\\n"; send($s, "?\\n", 0, $at) or die "send: $!\\n"; }
  else { connect($s, $at) or die "connect: $!\\n"; syswrite($s, length $bytes ? $bytes : "?\\n") or die "send: $!\\n"; }
  my ($all, $wait) = ("", 5);
  for (;;) {
    my $in = ""; vec($in, fileno($s), 1) = 1;
    last unless select($in, undef, undef, $wait) > 0;
    my $n = sysread($s, my $part, 65536);
    die "read: $!\\n" unless defined $n;
    last if $n == 0;
    $all .= $part; $wait = 0.3;
  }
  die "no answer\\n" unless length $all;
  print substr($all, 0, 2000);`;

/** Names of interfaces, as the kernel tells them by netlink; the mark where one is more than loopback. */
const interfacesProgram = `
  socket(my $s, 16, 3, 0) or die "socket: $!\\n";
  send($s, pack("LSSLL", 32, 18, 0x301, 1, 0) . "\\0" x 16, 0) or die "send: $!\\n";
  alarm 5;
  my @names;
  DUMP: for (;;) {
    recv($s, my $part, 65536, 0);
    while (length $part >= 16) {
      my ($length, $type) = unpack("LS", $part);
      last DUMP if $type == 3 || $type == 2 || $length < 16;
      my $at = substr($part, 32, $length - 32);
      while (length $at >= 4) {
        my ($size, $kind) = unpack("SS", $at);
        last if $size < 4;
        push @names, unpack("Z*", substr($at, 4, $size - 4)) if $kind == 3;
        $at = substr($at, ($size + 3) & ~3);
      }
      $part = substr($part, ($length + 3) & ~3);
    }
  }
  print join(" ", @names), "\\n";
  print "$ENV{MARK}\\n" if grep { $_ ne "lo" } @names;`;

/** Gives loopback another address by netlink; the mark where the kernel took it. */
const addressProgram = `
  socket(my $s, 16, 3, 0) or die "socket: $!\\n";
  my $body = pack("CCCCL", 2, 32, 0, 0, 1) . pack("SSC4", 8, 2, 198, 51, 100, 1) . pack("SSC4", 8, 1, 198, 51, 100, 1);
  send($s, pack("LSSLL", 16 + length $body, 20, 0x605, 1, 0) . $body, 0) or die "send: $!\\n";
  alarm 5;
  recv($s, my $answer, 65536, 0);
  my ($length, $type, $flags, $seq, $pid, $error) = unpack("LSSLLl", $answer);
  die "refused: " . -$error . "\\n" if $error != 0;
  print "$ENV{MARK}\\n";`;

/** An echo request, by a socket of this type; the mark where its answer came. */
const pingProgram = `
  use Socket;
  my ($type, $to) = @ARGV;
  socket(my $s, AF_INET, $type, 1) or die "socket: $!\\n";
  alarm 5;
  my $body = pack("CCnnna*", 8, 0, 0, 77, 1, "way-out!");
  my $sum = 0; $sum += $_ for unpack("n*", $body);
  $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
  substr($body, 2, 2) = pack("n", ~$sum & 0xffff);
  send($s, $body, 0, pack_sockaddr_in(0, inet_aton($to))) or die "send: $!\\n";
  for (;;) {
    recv($s, my $answer, 65536, 0);
    $answer = substr($answer, 20) if $type == 3;
    next unless unpack("C", $answer) == 0 && $answer =~ /way-out!/;
    print "$ENV{MARK}\\n"; last;
  }`;

export const programs: Record<string, string> = {
  MARK: mark,
  REACH: reachProgram,
  INTERFACES: interfacesProgram,
  ADDRESS: addressProgram,
  PING: pingProgram,
};

const way = (command: string, more: Partial<WayOut> = {}): WayOut => ({
  ...{ command, got: new RegExp(mark), control: 'network', isRare: false },
  ...more,
});
const reach = (how: string, more: Partial<WayOut> = {}): WayOut => way(`perl -e "$REACH" ${how}`, more);
/** The mark where a socket of this family, type and protocol is made. */
const socketOf = (numbers: string, more: Partial<WayOut> = {}): WayOut =>
  way(`perl -e 'socket(my $s, ${numbers}) or die "socket: $!\\n"; print "$ENV{MARK}\\n"'`, more);

const addresses: Record<string, WayOut> = {
  'TCP to the host': reach('tcp4 $HOST $TCP'),
  'UDP to the host': reach('udp4 $HOST $UDP'),
  'HTTP to the host': reach(`tcp4 $HOST $HTTP $'GET / HTTP/1.0\\r\\n\\r\\n'`),
  'TCP to the host by an IPv6 address that holds its own': reach('tcp6 ::ffff:$HOST $TCP'),
  'a question to a resolver of the host': reach('udp4 $HOST $UDP "$NAMED"'),
  'TCP to the host by IPv6': reach('tcp6 $HOST6 $TCP6'),
  'UDP to the host by IPv6': reach('udp6 $HOST6 $UDP6'),
  'the server’s port': reach(`tcp4 127.0.0.1 $SERVER $'GET /healthz HTTP/1.0\\r\\n\\r\\n'`, {
    got: /HTTP\/1\.1/,
    control: 'machine',
  }),
  'the model past the gateway': reach(`tcp4 127.0.0.1 $MODEL $'GET / HTTP/1.0\\r\\n\\r\\n'`, {
    got: /HTTP\/1\.1/,
    control: 'machine',
  }),
  'the bridge of the engine': reach('tcp4 $BRIDGE $BRIDGE_TCP'),
  'UDP to the bridge of the engine': reach('udp4 $BRIDGE $BRIDGE_UDP'),
  'the resolver’s port on the bridge': reach('udp4 $BRIDGE 53'),
  'the bridge by IPv6': reach('tcp6 $BRIDGE6 $BRIDGE_TCP'),
  'the cloud’s metadata': reach(`tcp4 $METADATA 80 $'GET /latest/meta-data/ HTTP/1.0\\r\\n\\r\\n'`),
  'the cloud’s metadata by IPv6': reach(`tcp6 $METADATA6 80 $'GET /latest/meta-data/ HTTP/1.0\\r\\n\\r\\n'`),
  'TCP to another container': reach('tcp4 $PEER 7001'),
  'UDP to another container': reach('udp4 $PEER 7001'),
  'TCP to another container by IPv6': reach('tcp6 $PEER6 7001'),
  'UDP to another container by IPv6': reach('udp6 $PEER6 7002'),
  'all of a network at once': reach('all4 $EVERYBODY 7001'),
  'another container by its name': way('getent hosts $PEER_NAME && echo $MARK'),
  'a listener in another session': reach('tcp4 127.0.0.1 $THEIRS', { control: 'neighbour' }),
};

const raw: Record<string, WayOut> = {
  'an echo request by a raw socket': way('perl -e "$PING" 3 $PINGED'),
  'an echo request by an ordinary socket': way('perl -e "$PING" 2 $PINGED', { isRare: true }),
  'a raw socket': socketOf('2, 3, 255'),
  'a raw socket of IPv6': socketOf('10, 3, 58'),
  'packets as they pass': socketOf('17, 3, 768'),
  'a socket to the hypervisor': socketOf('40, 1, 0', { isRare: true }),
  'a socket to the hypervisor for datagrams': socketOf('40, 2, 0', { isRare: true }),
  'a socket between the machines of a cluster': socketOf('30, 2, 0', { isRare: true }),
  'an interface beside loopback': way('perl -e "$INTERFACES"'),
  'an address of its own choice': way('perl -e "$ADDRESS"', { control: 'apart' }),
};

const sockets: Record<string, WayOut> = {
  'an abstract socket of the host': reach('abstract $ABSTRACT', { control: 'engine' }),
  'a unix socket of the host': reach('unix $UNIX'),
  'the engine’s socket': reach(`unix $ENGINE '' $'GET /_ping HTTP/1.0\\r\\n\\r\\n'`, { got: /HTTP\/1\.\d 200/ }),
  'the engine’s socket where it usually is': reach(`unix $ENGINE_USUAL '' $'GET /_ping HTTP/1.0\\r\\n\\r\\n'`, {
    got: /HTTP\/1\.\d 200/,
  }),
  'the engine’s API by TLS': reach(`tcp4 $ENGINE_HOST $ENGINE_PORT $'GET /_ping HTTP/1.0\\r\\n\\r\\n'`, {
    got: /HTTP/,
  }),
  // It is asked whether it speaks TLS.
  'the database’s socket': reach(`unix $DATABASE '' '\\x00\\x00\\x00\\x08\\x04\\xd2\\x16\\x2f'`, { got: /^[NS]/ }),
  'the agent’s socket of another session': reach(`unix $AGENT '' $'GET / HTTP/1.0\\r\\n\\r\\n'`, { got: /HTTP\/1\.1/ }),
  'the gateway’s socket of another session': reach(`unix $GATEWAY '' $'GET / HTTP/1.0\\r\\n\\r\\n'`, {
    got: /HTTP\/1\.1/,
  }),
};

/** What is sent to the gateway's own door. With a token of the session's, where one is asked for. */
const door = (lines: string): WayOut => {
  const bytes = lines
    .replaceAll('\n', '\\r\\n')
    .replaceAll(/\{(\w+)\}/g, (_placeholder, name: string) => `'"$${name}"$'`);
  return reach(`$DOOR_HOW $DOOR "$DOOR_PORT" $'${bytes}'`);
};
const token = 'Authorization: Bearer {ANTHROPIC_AUTH_TOKEN}';

const tricks: Record<string, WayOut> = {
  'a tunnel: CONNECT': door('CONNECT {HOST}:{HTTP} HTTP/1.1\nHost: {HOST}:{HTTP}\n\n'),
  'a tunnel with the token': door(`CONNECT {HOST}:{HTTP} HTTP/1.1\nHost: {HOST}:{HTTP}\n${token}\nProxy-${token}\n\n`),
  'a whole address in the first line': door(`GET http://{HOST}:{HTTP}/ HTTP/1.1\nHost: {HOST}:{HTTP}\n${token}\n\n`),
  'a whole address of an allowed path': door(
    `POST http://{HOST}:{HTTP}/v1/messages HTTP/1.1\nHost: {HOST}:{HTTP}\n${token}\nContent-Length: 2\nConnection: close\n\n{}`,
  ),
  'an address without its scheme': door(
    `POST //{HOST}:{HTTP}/v1/messages HTTP/1.1\nHost: x\n${token}\nContent-Length: 2\n\n{}`,
  ),
  'an address that begins with a name': door(
    `POST @{HOST}:{HTTP}/v1/messages HTTP/1.1\nHost: x\n${token}\nContent-Length: 2\n\n{}`,
  ),
  'another host in Host': door(
    `POST /v1/messages HTTP/1.1\nHost: {HOST}:{HTTP}\n${token}\nContent-Length: 2\nConnection: close\n\n{}`,
  ),
  'another host by what proxies add': door(
    `POST /v1/messages HTTP/1.1\nHost: x\nX-Forwarded-Host: {HOST}:{HTTP}\nForwarded: host={HOST}:{HTTP}\nX-Original-URL: http://{HOST}:{HTTP}/\n${token}\nContent-Length: 2\nConnection: close\n\n{}`,
  ),
  'a second request behind a length and chunks': door(
    `POST /v1/messages HTTP/1.1\nHost: x\n${token}\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\nGET http://{HOST}:{HTTP}/ HTTP/1.1\nHost: {HOST}:{HTTP}\n\n`,
  ),
  'a second request behind two lengths': door(
    `POST /v1/messages HTTP/1.1\nHost: x\n${token}\nContent-Length: 0\nContent-Length: 60\n\nGET http://{HOST}:{HTTP}/ HTTP/1.1\nHost: {HOST}:{HTTP}\n\n`,
  ),
  'a second request behind an odd encoding': door(
    `POST /v1/messages HTTP/1.1\nHost: x\n${token}\nTransfer-Encoding: xchunked\nContent-Length: 0\n\nGET http://{HOST}:{HTTP}/ HTTP/1.1\nHost: {HOST}:{HTTP}\n\n`,
  ),
  'a second request in one piece with the first': door(
    `POST /v1/messages HTTP/1.1\nHost: x\n${token}\nContent-Length: 2\n\n{}GET http://{HOST}:{HTTP}/ HTTP/1.1\nHost: {HOST}:{HTTP}\nConnection: close\n\n`,
  ),
  'lines that end in half': door(`GET http://{HOST}:{HTTP}/ HTTP/1.1\\nHost: {HOST}:{HTTP}\\n${token}\\n\\n`),
  'a header within a header': door(
    `POST /v1/messages?x=%0d%0aHost:%20{HOST}:{HTTP} HTTP/1.1\nHost: x\n${token}\nContent-Length: 2\nConnection: close\n\n{}`,
  ),
  'another protocol by upgrade': door(
    `GET / HTTP/1.1\nHost: {HOST}:{HTTP}\nConnection: Upgrade\nUpgrade: h2c\n${token}\n\n`,
  ),
  'SOCKS 5': door('\\\\x05\\\\x01\\\\x00'),
  'SOCKS 4': door('\\\\x04\\\\x01\\\\x00\\\\x50\\\\xc6\\\\x12\\\\x01\\\\x01\\\\x00'),
  'the hello of a proxy before the request': door(
    `PROXY TCP4 127.0.0.1 {HOST} 1234 {HTTP}\nGET / HTTP/1.1\nHost: {HOST}:{HTTP}\n\n`,
  ),
  'a redirect that the gateway would follow': door(
    `POST /v1/messages/../../?url=http://{HOST}:{HTTP}/ HTTP/1.1\nHost: x\nReferer: http://{HOST}:{HTTP}/\n${token}\nContent-Length: 2\n\n{}`,
  ),
};

export const waysOut: Record<string, WayOut> = { ...addresses, ...raw, ...sockets, ...tricks };
