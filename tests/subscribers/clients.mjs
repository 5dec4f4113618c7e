// The clients: each subscribes to the revision of the directory, and calls `next` with it. All of them use graphql-ws for the
// WebSocket, with the settings that its documentation recommends for connections that must last.

import { ApolloClient, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions/index.js';
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import { pipe, subscribe } from 'wonka';
import WebSocket from 'ws';

const QUERY = 'subscription Revision { revision }';
/// How long the client waits for a pong. Seconds in practice; short here so that the test is.
const PONG_TIMEOUT_MS = 500;

/// The WebSocket client. It pings the server, and drops a connection on which no pong comes.
function transport(url, token) {
    let socket;
    let timeout;
    return createClient({
        url: `${url.replace('http', 'ws')}/graphql/ws`,
        webSocketImpl: WebSocket,
        connectionParams: { Authorization: `Bearer ${token}` },
        keepAlive: 500,
        retryAttempts: Infinity,
        shouldRetry: () => true,
        retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
        on: {
            opened: (opened) => (socket = opened),
            ping: (received) => {
                if (!received) timeout = setTimeout(() => socket.terminate(), PONG_TIMEOUT_MS);
            },
            pong: (received) => {
                if (received) clearTimeout(timeout);
            },
        },
    });
}

function graphqlWs(url, token, next, fail) {
    const client = transport(url, token);
    client.subscribe({ query: QUERY }, {
        next: ({ data, errors }) => (errors ? fail(errors) : next(data.revision)),
        error: fail,
        complete: () => fail('complete'),
    });
    return () => client.dispose();
}

function urql(url, token, next, fail) {
    const ws = transport(url, token);
    const client = new Client({
        url: `${url}/graphql`,
        preferGetMethod: false,
        exchanges: [
            fetchExchange,
            subscriptionExchange({
                forwardSubscription: ({ query, variables }) => ({
                    subscribe: (sink) => ({ unsubscribe: ws.subscribe({ query, variables }, sink) }),
                }),
            }),
        ],
    });
    const hear = ({ data, error }) => (error ? fail(error) : next(data.revision));
    const { unsubscribe } = pipe(client.subscription(QUERY, {}), subscribe(hear));
    return () => {
        unsubscribe();
        return ws.dispose();
    };
}

function apollo(url, token, next, fail) {
    const ws = transport(url, token);
    const client = new ApolloClient({ link: new GraphQLWsLink(ws), cache: new InMemoryCache() });
    const subscription = client.subscribe({ query: gql(QUERY) }).subscribe({
        next: ({ data, error }) => (error ? fail(error) : next(data.revision)),
        error: fail,
        complete: () => fail('complete'),
    });
    return () => {
        subscription.unsubscribe();
        client.stop();
        return ws.dispose();
    };
}

/// What relay-compiler makes of the query.
const ARTIFACT = (() => {
    const selections = [{ alias: null, args: null, kind: 'ScalarField', name: 'revision', storageKey: null }];
    return {
        kind: 'Request',
        fragment: {
            argumentDefinitions: [],
            kind: 'Fragment',
            metadata: null,
            name: 'Revision',
            selections,
            type: 'Subscription',
            abstractKey: null,
        },
        operation: { argumentDefinitions: [], kind: 'Operation', name: 'Revision', selections },
        params: {
            cacheID: 'revision',
            id: null,
            metadata: {},
            name: 'Revision',
            operationKind: 'subscription',
            text: QUERY,
        },
    };
})();

function relayRuntime(url, token, next, fail) {
    const { Environment, Network, Observable, RecordSource, Store, requestSubscription } = relay;
    const ws = transport(url, token);
    const subscribeFunction = ({ text, name }, variables) =>
        Observable.create((sink) => ws.subscribe({ operationName: name, query: text, variables }, sink));
    const network = Network.create(() => fail('no queries are sent'), subscribeFunction);
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    const { dispose } = requestSubscription(environment, {
        subscription: ARTIFACT,
        variables: {},
        onNext: ({ revision }) => next(revision),
        onError: fail,
        onCompleted: () => fail('complete'),
    });
    return () => {
        dispose();
        return ws.dispose();
    };
}

export const clients = { 'graphql-ws': graphqlWs, urql, Apollo: apollo, Relay: relayRuntime };
