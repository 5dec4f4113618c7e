// `clade serve` as a process, and a proxy before it that can reset or stall its connections.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Server {
    constructor() {
        this.folder = mkdtempSync(join(tmpdir(), 'clade-'));
    }

    /// Starts it on any free port; resolves once it serves.
    async start() {
        const args = ['serve', '--data', join(this.folder, 'corp.redb'), '--listen', '127.0.0.1:0'];
        this.child = spawn(process.env.CLADE, args, { stdio: ['ignore', 'pipe', 'ignore'] });
        let said = '';
        for await (const text of this.child.stdout) {
            said += text;
            if (said.includes('\nTokens: ') || said.includes('\nQuery page: ')) break;
        }
        this.url = said.match(/http:\/\/[0-9.:]+/)[0];
        this.token ??= said.match(/clade_[A-Za-z0-9_]+/)[0];
    }

    /// Ends it with a signal.
    async end(signal) {
        const exited = once(this.child, 'exit');
        this.child.kill(signal);
        await exited;
    }

    /// Makes a commit; returns its revision.
    async commit() {
        const query = `mutation { createOrgUnit(input: { name: "unit ${Math.random()}" }) { revision } }`;
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.token}` };
        const body = JSON.stringify({ query });
        const response = await fetch(`${this.url}/graphql`, { method: 'POST', headers, body });
        return (await response.json()).data.createOrgUnit.revision;
    }

    async close() {
        await this.end('SIGKILL');
        rmSync(this.folder, { recursive: true });
    }
}

export class Proxy {
    constructor(server) {
        this.sockets = new Set();
        this.listener = net.createServer((client) => this.forward(client, server));
    }

    async start() {
        this.listener.listen(0, '127.0.0.1');
        await once(this.listener, 'listening');
        this.url = `http://127.0.0.1:${this.listener.address().port}`;
    }

    forward(client, server) {
        const [host, port] = new URL(server.url).host.split(':');
        const upstream = net.connect({ host, port });
        const pair = { client, upstream };
        this.sockets.add(pair);
        for (const [from, to] of [[client, upstream], [upstream, client]]) {
            from.pipe(to);
            from.on('error', () => to.destroy());
            from.on('close', () => {
                to.destroy();
                this.sockets.delete(pair);
            });
        }
    }

    /// Resets all connections (RST) on both sides.
    reset() {
        for (const { client, upstream } of this.sockets) {
            client.resetAndDestroy();
            upstream.resetAndDestroy();
        }
    }

    /// Forwards nothing more on the connections that are open. Neither end is told.
    stall() {
        for (const { client, upstream } of this.sockets) {
            client.unpipe();
            upstream.unpipe();
        }
    }

    close() {
        this.reset();
        this.listener.close();
    }
}
