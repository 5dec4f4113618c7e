// Writes corpus.json: documents with variables, and whether graphql-js finds them valid.
//
//     npm install graphql@16 && node tests/graphql/corpus/make.mjs > tests/graphql/corpus/corpus.json
//
// The test in tests/graphql/corpus.rs needs neither Node nor this script.

import { readFileSync } from "node:fs";
import {
  buildSchema, getNamedType, getVariableValues, isEnumType, isInputObjectType, isLeafType, isListType, isNonNullType,
  isObjectType, isScalarType, parse, validate,
} from "graphql";

const schema = buildSchema(readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"));
const cases = [];

function add(rule, document, variables = {}) {
  let valid = false;
  try {
    const parsed = parse(document);
    if (validate(schema, parsed).length === 0) {
      const operation = parsed.definitions.find((definition) => definition.kind === "OperationDefinition");
      valid = getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors === undefined;
    }
  } catch {
    valid = false;
  }
  cases.push({ rule, document, variables, valid });
}

// A selection of leaves of a type.
function leaves(type) {
  const named = getNamedType(type);
  if (isLeafType(named)) return "";
  if (!isObjectType(named)) return "{ __typename }";
  const leaf = Object.values(named.getFields()).find((field) => isLeafType(getNamedType(field.type)) && field.args.every((arg) => !isNonNullType(arg.type)));
  return leaf ? `{ ${leaf.name} }` : "{ __typename }";
}

// A right literal of an input type.
function literal(type) {
  if (isNonNullType(type)) return literal(type.ofType);
  if (isListType(type)) return `[${literal(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0].name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const needed = type.isOneOf ? fields.slice(0, 1) : fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined);
    return `{ ${needed.map((field) => `${field.name}: ${literal(field.type)}`).join(", ")} }`;
  }
  return { Int: "1", Float: "1.5", Boolean: "true", Revision: "1", JSON: "{}", DateTime: '"2026-01-01"' }[type.name] ?? '"x"';
}

function value(type) {
  if (isNonNullType(type)) return value(type.ofType);
  if (isListType(type)) return [value(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0].name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const needed = type.isOneOf ? fields.slice(0, 1) : fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined);
    return Object.fromEntries(needed.map((field) => [field.name, value(field.type)]));
  }
  return { Int: 1, Float: 1.5, Boolean: true, Revision: 1, JSON: {}, DateTime: "2026-01-01" }[type.name] ?? "x";
}

// Fields with arguments, each with the text before and after it that leads there.
const paths = [["Query", "{ ", " }"]];
for (const [type, before] of [
  ["OrgUnit", '{ orgUnit(by: { key: "x" }) '], ["Person", '{ person(email: "a@b.example") '], ["Project", '{ project(projectId: "x") '],
  ["ProjectConnection", "{ projects "], ["PersonConnection", "{ people "],
]) {
  paths.push([type, `${before}{ `, " } }"]);
}

for (const [typeName, before, after] of paths) {
  for (const field of Object.values(schema.getType(typeName).getFields())) {
    const required = field.args.filter((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined);
    const call = (args) => `${field.name}${args.length ? `(${args.join(", ")})` : ""} ${leaves(field.type)}`;
    const others = (arg) => required.filter((other) => other !== arg).map((other) => `${other.name}: ${literal(other.type)}`);
    const one = (args) => `${before}${call(args)}${after}`;
    const withVariables = (definitions, args) => `query Q(${definitions}) ${one(args)}`;
    add("fields", one(required.map((arg) => `${arg.name}: ${literal(arg.type)}`)));
    if (isLeafType(getNamedType(field.type))) add("5.3.3", `${before}${field.name} { x }${after}`);
    else add("5.3.3", `${before}${field.name}${required.length ? `(${others().join(", ")})` : ""}${after}`);
    add("5.4.1", one([...others(), "noSuchArgument: 1"]));
    if (required.length) add("5.4.2.1", one([]));
    for (const arg of field.args) {
      const named = getNamedType(arg.type);
      const here = (text) => one([...others(arg), `${arg.name}: ${text}`]);
      add("5.6.1", here(literal(arg.type)));
      add("5.4.2", one([...others(arg), `${arg.name}: ${literal(arg.type)}`, `${arg.name}: ${literal(arg.type)}`]));
      add("5.6.1", here("null"));
      add("5.6.1", here("[[]]"));
      if (named.name === "Revision") continue;
      if (isScalarType(named) && ["Int", "Boolean", "String", "ID"].includes(named.name) && !isListType(arg.type)) {
        for (const wrong of ["1.5", "true", '"x"', "x", "{ a: 1 }", "2147483647", "2147483648", "-2147483649"]) add("5.6.1", here(wrong));
      }
      if (isEnumType(named)) for (const wrong of ['"TEAM"', "NO_SUCH", "1", "null"]) add("3.9", here(isListType(arg.type) ? `[${wrong}]` : wrong));
      if (isInputObjectType(named)) {
        for (const wrong of ["{ noSuchField: 1 }", '"x"', "[{}]", "{}", "1"]) add("5.6.2", here(wrong));
        const name = Object.keys(named.getFields())[0];
        add("5.6.3", here(`{ ${name}: null, ${name}: null }`));
      }
      // Variables: the type of the position, its non-null form, another type, absent and null.
      const kind = arg.type.toString();
      const nullable = kind.replace(/!$/, "");
      add("5.8.5", withVariables(`$v: ${kind}`, [...others(arg), `${arg.name}: $v`]), { v: value(arg.type) });
      add("5.8.5", withVariables(`$v: ${nullable}`, [...others(arg), `${arg.name}: $v`]), { v: value(arg.type) });
      add("6.4.1", withVariables(`$v: ${nullable}`, [...others(arg), `${arg.name}: $v`]));
      add("6.1.2", withVariables(`$v: ${kind}`, [...others(arg), `${arg.name}: $v`]), { v: null });
      add("5.8.5", withVariables(`$v: ${nullable}!`, [...others(arg), `${arg.name}: $v`]), { v: value(arg.type) });
      add("5.8.5", withVariables(`$v: [${nullable}]`, [...others(arg), `${arg.name}: $v`]), { v: [value(arg.type)] });
      add("5.8.5", withVariables(`$v: ${named.name === "Int" ? "String" : "Int"}`, [...others(arg), `${arg.name}: $v`]), { v: null });
      if (named.name === "Int") for (const v of [2147483648, 1.5, "1", true, [1]]) add("3.5.1", withVariables(`$v: ${kind}`, [...others(arg), `${arg.name}: $v`]), { v });
      if (named.name === "String" && !isListType(arg.type)) for (const v of [1, true, {}, ["x"]]) add("3.5.3", withVariables(`$v: ${kind}`, [...others(arg), `${arg.name}: $v`]), { v });
      if (isEnumType(named)) for (const v of ["NO_SUCH", 1, {}]) add("3.9", withVariables(`$v: ${kind}`, [...others(arg), `${arg.name}: $v`]), { v });
      if (isInputObjectType(named)) for (const v of [{ noSuchField: 1 }, "x", 1]) add("3.10", withVariables(`$v: ${kind}`, [...others(arg), `${arg.name}: $v`]), { v });
    }
  }
}

// By rule.
const P = 'project(projectId: "x")';
for (const [rule, document, variables] of [
  ["2.1", "{ revision, }"], ["2.1", "\uFEFF{ revision }"], ["2.1", "{ revision # a comment\n }"], ["2.1", "{ revision } }"], ["2.1", ""], ["2.1", "{"], ["2.1", "{}"], ["2.3", "query { revision }"],
  ["2.3", "query() { revision }"], ["2.3", "qwery { revision }"], ["2.8", "fragment on on Query { revision } { ...on }"], ["2.9.4", '{ person(email: "\\u0061") { email } }'],
  ["2.9.4", '{ person(email: "\\uD83D\\uDE00") { email } }'], ["2.9.4", '{ person(email: "\\u{1F600}") { email } }'], ["2.9.4", '{ person(email: "\\uD83D") { email } }'],
  ["2.9.4", '{ person(email: "\\x") { email } }'], ["2.9.4", '{ person(email: "a\nb") { email } }'], ["2.9.4", '{ person(email: """a\n  "b" \\""" c""") { email } }'],
  ["2.9.1", "{ people(first: 01) { totalCount } }"], ["2.9.1", "{ people(first: -0) { totalCount } }"], ["2.9.1", "{ people(first: 1x) { totalCount } }"], ["2.9.1", "{ people(first: +1) { totalCount } }"],
  ["2.12", "{ revision @skip }"], ["2.13", "{ a:revision b : revision }"],
  ["5.1.1", "{ revision } type X { y: Int }"], ["5.2.1.1", "query A { revision } query A { revision }"], ["5.2.1.1", "query A { revision } mutation A { __typename }"], ["5.2.2.1", "{ revision } query B { revision }"],
  ["5.2.3.1", "subscription { changed { revision } again: changed { revision } }"], ["5.2.3.1", "subscription { __typename }"],
  ["5.3.1", "{ noSuchField }"], ["5.3.1", `{ ${P} { noSuchField } }`], ["5.3.1", '{ node(id: "x") { projectId } }'], ["5.3.1", '{ node(id: "x") { id __typename ... on Project { projectId } } }'],
  ["5.3.2", `{ ${P} { a: projectId a: projectName } }`], ["5.3.2", `{ ${P} { a: projectId a: projectId } }`], ["5.3.2", `{ ${P} { projectId ...F } } fragment F on Project { projectId: projectName }`],
  ["5.3.2", `{ ${P} { ...F ...G } } fragment F on Project { x: projectId } fragment G on Project { x: projectName }`], ["5.3.2", "{ people(first: 1) { totalCount } people(first: 2) { totalCount } }"],
  ["5.3.2", "{ people(first: 1) { totalCount } people(first: 1) { pageInfo { hasNextPage } } }"], ["5.3.2", `{ ${P} { team { n: name } team { n: key } } }`], ["5.3.2", `{ ${P} { team { n: name } ...F } } fragment F on Project { team { ...G } } fragment G on OrgUnit { n: key }`],
  ["5.3.2", '{ node(id: "x") { ... on Project { n: projectName } ... on Person { n: email } } }'], ["5.3.2", '{ node(id: "x") { ... on Project { n: projectName } ... on Person { n: firstName } } }'],
  ["5.3.2", '{ node(id: "x") { ... on Project { n: projectName } ... on OrgUnit { n: level } } }'], ["5.3.2", '{ node(id: "x") { ... on Project { n: team { id } } ... on Person { n: team { key } } } }'],
  ["5.3.2", '{ node(id: "x") { ... on Project { n: team { a: id } } ... on Person { n: units { a: id } } } }'], ["5.3.2", "query($a: Int) { people(first: $a) { totalCount } people(first: 1) { totalCount } }", { a: 1 }],
  ["5.5.1.1", "{ ...F ...F } fragment F on Query { revision } fragment F on Query { revision }"], ["5.5.1.2", "{ ... on NoSuchType { revision } }"], ["5.5.1.3", "{ ... on Int { revision } }"], ["5.5.1.3", "{ ...F } fragment F on ProjectFilter { x }"],
  ["5.5.1.4", "{ revision } fragment F on Query { revision }"], ["5.5.2.1", "{ ...NoSuchFragment }"], ["5.5.2.2", "{ ...F } fragment F on Query { ...F }"], ["5.5.2.2", "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }"],
  ["5.5.2.3", `{ ${P} { ... on Person { email } } }`], ["5.5.2.3", `{ ${P} { ... on Node { id } } }`], ["5.5.2.3", `{ ${P} { ... on Node { ... on Person { email } } } }`], ["5.5.2.3", `{ ${P} { ...F } } fragment F on Person { email }`],
  ["5.6.4", "mutation { createMapping(input: {}) { mapping { id } } }"], ["5.6.4", "{ orgUnit(by: {}) { key } }"], ["5.6.4", '{ orgUnit(by: { key: "x", externalId: "y" }) { key } }'], ["5.6.4", "{ orgUnit(by: { key: null }) { key } }"],
  ["5.7.1", "{ revision @noSuchDirective }"], ["5.7.2", "query @skip(if: true) { revision }"], ["5.7.2", "{ ...F @include(if: true) } fragment F on Query @include(if: true) { revision }"], ["5.7.3", "{ revision @skip(if: true) @skip(if: false) }"],
  ["5.7.1", "query($a: Boolean! @include(if: true)) { revision @skip(if: $a) }", { a: true }], ["5.7", "{ revision @skip(if: 1) }"], ["5.7", '{ revision @skip(if: "true") }'], ["5.7", "{ a: revision @skip(if: true) @include(if: false) }"], ["5.7", "{ revision @skip(unless: true) }"],
  ["5.8.1", "query($a: Int, $a: Int) { people(first: $a) { totalCount } }"], ["5.8.2", "query($a: Person) { revision }"], ["5.8.2", "query($a: NoSuchType) { revision }"], ["5.8.3", "{ people(first: $a) { totalCount } }"], ["5.8.3", "query { ...F } fragment F on Query { people(first: $a) { totalCount } }"],
  ["5.8.4", "query($a: Int) { revision }"], ["5.8.3", "query A($a: Int) { ...F } query B { ...F } fragment F on Query { people(first: $a) { totalCount } }"], ["5.8.5", "query($a: Boolean) { revision @skip(if: $a) }", { a: true }], ["5.8.5", "query($a: Boolean = true) { revision @skip(if: $a) }"],
  ["5.8.5", "query($a: Boolean = true) { revision @skip(if: $a) }", { a: null }], ["5.8.5", "query($a: Int = \"x\") { people(first: $a) { totalCount } }"], ["5.8.5", "query($a: Int! = 3) { people(first: $a) { totalCount } }"], ["5.8.5", "query($a: String) { people(filter: { email: { eq: $a } }) { totalCount } }"],
  ["5.8.5", "query($a: Int) { people(filter: { email: { eq: $a } }) { totalCount } }"], ["5.8.5", "query($a: [String]) { people(filter: { email: { in: $a } }) { totalCount } }"], ["5.8.5", "query($a: [String!]) { people(filter: { email: { in: $a } }) { totalCount } }"], ["5.8.5", "query($a: String!) { people(filter: { email: { in: [$a] } }) { totalCount } }", { a: "x" }],
  ["5.8.5", "query($a: String) { people(filter: { email: { in: [$a] } }) { totalCount } }"], ["6.1.2", "query($a: Int!) { people(first: $a) { totalCount } }"], ["6.1.2", "query($a: [ID!]!) { nodes(ids: $a) { id } }", { a: "x" }], ["6.1.2", "query($a: [ID!]!) { nodes(ids: $a) { id } }", { a: [1, "x"] }], ["6.1.2", "query($a: [ID!]!) { nodes(ids: $a) { id } }", { a: [null] }],
  ["6.1.2", "query($a: ID!) { node(id: $a) { id } }", { a: 1 }], ["6.1.2", "query($a: ID!) { node(id: $a) { id } }", { a: 1.5 }], ["6.1.2", "query($a: ID!) { node(id: $a) { id } }", { a: true }], ["6.1.2", "query($f: PersonFilter) { people(filter: $f) { totalCount } }", { f: { email: { eq: "x" } } }], ["6.1.2", "query($f: PersonFilter) { people(filter: $f) { totalCount } }", { f: { email: { eq: 1 } } }],
  ["6.1.2", "query($f: PersonFilter) { people(filter: $f) { totalCount } }", { f: { email: { no: 1 } } }], ["6.1.2", "query($f: PersonFilter) { people(filter: $f) { totalCount } }", { f: { and: { email: null } } }], ["6.1.2", "query($by: OrgUnitBy!) { orgUnit(by: $by) { key } }", { by: { key: "x" } }], ["6.1.2", "query($by: OrgUnitBy!) { orgUnit(by: $by) { key } }", { by: { key: "x", path: "y" } }], ["6.1.2", "query($by: OrgUnitBy!) { orgUnit(by: $by) { key } }", { by: {} }],
  ["4.1", "{ __schema { queryType { name } } }"], ["4.1", '{ __type(name: "Person") { name } }'], ["4.1", "{ __type { name } }"], ["4.4", "{ __typename revision }"], ["4.4", "{ __typename { x } }"], ["4.4", "{ __typename(a: 1) }"],
]) {
  add(rule, document, variables);
}

process.stdout.write(`[\n${cases.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`);
