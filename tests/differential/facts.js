// SPDX-License-Identifier: BSD-2-Clause
// The same as `facts`, by llhttp as it is built into node. It is asked to be lenient: what is compared is what
// a message means, not what one had better refuse.
'use strict';

const { HTTPParser } = require('_http_common');
const lines = require('fs').readFileSync(0, 'latin1').split('\n');
const MOST = 64;

class Reader {
  constructor(responses, closed, methods, bytes) {
    Object.assign(this, { responses, closed, methods, bytes, messages: [], open: null, over: false });
  }

  onHead(minor, status, persistent) {
    if (this.messages.length === MOST) {
      this.over = true;
      return 0;
    }
    this.open = { version: minor ? 1 : 0, status: status || 0, persistent, body: 0, end: null };
    this.messages.push(this.open);
    if (!this.responses) return 0;
    if (status === 101 || (this.methods[0] === 'CONNECT' && Math.floor(status / 100) === 2)) {
      this.over = true;
      return 2;
    }
    return this.methods[0] === 'HEAD' ? 1 : 0;
  }

  fresh() {
    const parser = new HTTPParser();
    const kind = this.responses ? HTTPParser.RESPONSE : HTTPParser.REQUEST;
    parser.initialize(kind, {}, 1 << 24, HTTPParser.kLenientAll);
    parser[HTTPParser.kOnHeaders | 0] = () => {};
    parser[HTTPParser.kOnHeadersComplete | 0] =
      (major, minor, fields, method, url, status, reason, upgrade, keep) => this.onHead(minor, status, keep);
    parser[HTTPParser.kOnBody | 0] = (chunk, offset, length) => {
      this.open.body += length === undefined ? chunk.length : length;
    };
    parser[HTTPParser.kOnMessageComplete | 0] = () => { this.ended = true; };
    return parser;
  }

  end(offset) {
    this.open.end = offset;
    if (this.open.status < 100 || this.open.status > 199) this.methods.shift();
    this.open = null;
  }

  read() {
    let parser = this.fresh();
    for (let at = 0; at < this.bytes.length && !this.over; at++) {
      this.ended = false;
      // One byte at a time: so the end of a message is the offset at which it is told.
      const result = parser.execute(this.bytes.subarray(at, at + 1));
      if (this.over) {
        if (this.open) this.open.end = at + 1;
      } else if (this.ended && this.open) {
        this.end(at + 1);
        parser = this.fresh(); // each message is judged by itself, whatever the one before announced
      } else if (result instanceof Error) {
        return true;
      }
    }
    if (this.open && this.closed && !this.over) {
      this.ended = false;
      parser.finish();
      if (this.ended) this.open.end = this.bytes.length;
    }
    return false;
  }
}

for (const line of lines) {
  if (!line) continue;
  const [kind, closed, methods, bytes] = line.split(' ');
  const reader = new Reader(kind === 'responses', closed === 'closed',
                            methods === '-' ? [] : methods.split(','),
                            bytes === '-' ? Buffer.alloc(0) : Buffer.from(bytes, 'hex'));
  const refused = reader.read();
  process.stdout.write(JSON.stringify({ messages: reader.messages, refused }) + '\n');
}
