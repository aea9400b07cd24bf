import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { functionsWith } from '../../../src/core/gotemplate/functions/functions.ts'
import { parseTemplate, renderTemplate } from '../../../src/core/gotemplate/gotemplate.ts'
import { TemplateError } from '../../../src/core/gotemplate/template-error.ts'
import { typed, type Value } from '../../../src/core/gotemplate/value.ts'

const FUNCTIONS = functionsWith({})

const DATA: Value = {
  Values: {
    global: {
      hub: 'docker.io',
      port: 15020,
      ratio: 0.5,
      on: true,
      off: false,
      nothing: null,
      list: ['a', 'b'],
      map: { y: 2, x: 1 },
    },
  },
  Meta: typed({ name: 'web', annotations: { 'a/b': 'c' }, labels: {} }),
  Spec: typed({
    hostNetwork: true,
    containers: [
      { name: 'one', ports: [{ containerPort: 80 }] },
      { name: 'two', readinessProbe: { httpGet: { path: '/' } } },
    ],
    securityContext: { runAsUser: 7, fsGroup: 8 },
  }),
}

const render = (text: string, data: Value = DATA): string => renderTemplate(parseTemplate(text, FUNCTIONS), data)

const RENDERED: readonly (readonly [what: string, template: string, output: string])[] = [
  ['text as it is', 'a: {b} }} $x', 'a: {b} }} $x'],
  ['a field of a map', '{{ .Values.global.hub }}', 'docker.io'],
  [
    'a number as it is spelt',
    '{{ .Values.global.port }}/{{ .Values.global.ratio }}/{{ 0x10 }}/{{ 1e3 }}',
    '15020/0.5/16/1000',
  ],
  ['a key that is absent', '{{ .Values.nosuch.deeper }}', '<no value>'],
  ['null', '{{ .Values.global.nothing }}', '<nil>'],
  ['lists and maps as Go prints them', '{{ .Values.global.list }} {{ .Values.global.map }}', '[a b] map[x:1 y:2]'],
  [
    "a struct's fields by Go's names",
    '{{ .Meta.Name }} {{ .Spec.SecurityContext.FSGroup }} {{ (index .Spec.Containers 1).ReadinessProbe.HTTPGet.Path }}',
    'web 8 /',
  ],
  ["a struct's field that is not set as nothing", '[{{ .Meta.Namespace }}{{ .Spec.ServiceAccountName }}]', '[]'],
  [
    'getters, and the value of a wrapper',
    '{{ .Meta.GetName }} {{ .Spec.HostNetwork.Value }} {{ .Meta.Name.String }}',
    'web true web',
  ],
  ['an annotation by index', '{{ index .Meta.Annotations "a/b" }}[{{ index .Meta.Annotations "d" }}]', 'c[]'],
  ['white space trimmed where it is asked for', 'a  {{- " b " -}}  \n c', 'a b c'],
  ['a minus without space as a number', 'a {{-1}}', 'a -1'],
  ['nothing for a comment', 'a{{/* {{ b }} */}}b {{- /* c */ -}} d', 'abd'],
  ['raw strings, escapes and characters', '{{ `a"\\n` }}{{ "\\t\\u00e9" }}{{ \'a\' }}', 'a"\\n\té97'],
  ['if, else if, else', '{{ if .Values.global.off }}1{{ else if eq .Meta.Name "web" }}2{{ else }}3{{ end }}', '2'],
  ['else where nothing else fits', '{{ if false }}1{{ else if 0 }}2{{ else }}3{{ end }}', '3'],
  [
    'emptiness as false',
    '{{ range list "" 0 false nil (list) (dict) }}{{ if . }}x{{ else }}-{{ end }}{{ end }}',
    '------',
  ],
  [
    'a struct that is set as true, one that is not as false',
    '{{ if .Spec.SecurityContext }}1{{ end }}{{ if .Spec.Affinity }}2{{ end }}',
    '1',
  ],
  [
    'with',
    '{{ with .Values.global }}{{ .hub }} {{ $.Meta.Name }}{{ end }}{{ with .Values.none }}x{{ else }}y{{ end }}',
    'docker.io weby',
  ],
  [
    'range over a list with index',
    '{{ range $i, $c := .Spec.Containers }}{{ $i }}{{ $c.Name }}{{ .Name }} {{ end }}',
    '0oneone 1twotwo ',
  ],
  ['range over a map by key', '{{ range $k, $v := .Values.global.map }}{{ $k }}{{ $v }}{{ end }}', 'x1y2'],
  ['range over a number', '{{ range 3 }}{{ . }}{{ end }}', '012'],
  ['range over nothing', '{{ range .Spec.Volumes }}x{{ else }}none{{ end }}', 'none'],
  [
    'break and continue',
    '{{ range until 9 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if gt . 4 }}{{ break }}{{ end }}{{ . }}{{ end }}',
    '0134',
  ],
  ['variables, set in an inner block', '{{ $a := 1 }}{{ if true }}{{ $a = 2 }}{{ $b := 3 }}{{ end }}{{ $a }}', '2'],
  [
    'a variable of an inner block that hides one outside',
    '{{ $a := 1 }}{{ with 5 }}{{ $a := 2 }}{{ $a }}{{ end }}{{ $a }}',
    '21',
  ],
  ['a variable in a condition', '{{ if $x := .Meta.Name }}{{ $x }}{{ end }}', 'web'],
  ['pipelines, the value last', '{{ .Meta.Name | printf "%s-%s" "a" | quote }}', '"a-web"'],
  ['nested calls', '{{ printf "%q" (print "a" 1 2 "b") }}', '"a1 2b"'],
  ['and, or, not, which stop early', '{{ and 0 (fail "no") }}{{ or 1 (fail "no") }}{{ not 1 }}', '01false'],
  [
    'comparisons',
    '{{ eq 1 2 1 }} {{ ne "a" "b" }} {{ lt 1 2 }} {{ le "b" "a" }} {{ gt 2.5 2 }} {{ ge 1 1 }} {{ eq .Meta.Namespace "" }}',
    'true true true false true true true',
  ],
  [
    'definitions and calls',
    '{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" 1 }}{{ block "y" 2 }}{{ . }}!{{ end }}',
    '<1>2!',
  ],
  [
    'printf',
    '{{ printf "%5d|%-4s|%05.1f|%t|%x|%%|%v" 42 "ab" 3.14159 true 255 (list 1) }}',
    '   42|ab  |003.1|true|ff|%|[1]',
  ],
  ['len and slice', '{{ len "äb" }} {{ len .Spec.Containers }} {{ slice "abcd" 1 3 }}', '3 2 bc'],
  [
    'text functions',
    '{{ trim " a " }}{{ upper "b" }}{{ "a,b" | splitList "," | join "+" }}{{ replace "a" "b" "aa" }}{{ trunc 2 "abc" }}{{ trimSuffix "c" "bc" }}',
    'aBa+bbbabb',
  ],
  [
    'quote and indent',
    '{{ quote "a\\"" 1 }}|{{ squote "a" }}|{{ "a\\nb" | indent 2 }}|{{ "c" | nindent 2 }}',
    '"a\\"" "1"|\'a\'|  a\n  b|\n  c',
  ],
  [
    'default, ternary, coalesce, empty',
    '{{ default "d" "" }}{{ "x" | default "d" }}{{ ternary 1 2 true }}{{ coalesce nil "" 3 }}{{ empty .Values.global.list }}',
    'dx13false',
  ],
  [
    'lists',
    '{{ list 1 2 3 | rest | first }}{{ last (list 1 2) }}{{ has 2 (list 1 2) }}{{ without (list 1 2 1) 1 }}{{ uniq (list 1 1) }}{{ concat (list 1) (list 2) }}',
    '22true[2][1][1 2]',
  ],
  [
    'maps',
    '{{ dict "a" 1 | toJson }}{{ hasKey .Values.global "hub" }}{{ keys .Values.global.map }}{{ get .Values.global "no" }}{{ dig "global" "no" 7 .Values }}{{ omit .Values.global.map "x" }}',
    '{"a":1}true[x y]7map[y:2]',
  ],
  [
    'numbers',
    '{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 3 2 }} {{ int "4" }} {{ round 1.256 2 }}',
    '6 3 6 3 1 3 4 1.26',
  ],
  [
    'JSON and base64',
    '{{ (fromJson "{\\"a\\":[1]}").a }}{{ toJson .Spec.SecurityContext }}{{ b64enc "a" }}{{ b64dec "YQ==" }}',
    '[1]{"runAsUser":7,"fsGroup":8}YQ==a',
  ],
  [
    "a key of JavaScript's own objects as any other",
    '{{ .constructor }}{{ hasKey .Values "toString" }}{{ dict "__proto__" 1 | toJson }}',
    '<no value>false{"__proto__":1}',
  ],
]

for (const [what, template, output] of RENDERED)
  test(`a template renders ${what}`, () => {
    assert.equal(render(template), output)
  })

const REFUSED: readonly (readonly [what: string, template: string, message: RegExp])[] = [
  [
    'an unknown function, by name and place',
    'a\n  {{ env "HOME" "" }}',
    /^line 2, column 6: the function env is not supported$/,
  ],
  ['an unknown function as an argument', '{{ print (x 1) }}', /column 11: the function x is not supported/],
  ['too few arguments', '{{ hasPrefix "a" }}', /the function hasPrefix takes 2 arguments, not 1/],
  ['too many arguments, the piped one counted', '{{ "b" | trim "a" }}', /the function trim takes 1 arguments, not 2/],
  ['arguments to what is no function', '{{ .Meta.Get "a" }}', /only a function takes arguments/],
  ['a variable that nobody declared', '{{ $x }}', /variable \$x is not declared/],
  ['a variable outside its block', '{{ if $x := 1 }}{{ end }}{{ $x }}', /variable \$x is not declared/],
  ['setting what is not declared', '{{ $x = 1 }}', /variable \$x is not declared/],
  ['a block that is not ended', '{{ if 1 }}a', /\{\{if\}\} is not ended/],
  ['an end too many', 'a{{ end }}', /\{\{end\}\} without a block/],
  ['break outside range', '{{ break }}', /outside \{\{range\}\}/],
  ['an action that is not closed', 'a {{ .x', /column 3: the action is not closed/],
  ['a strange character', '{{ .x ? }}', /unexpected "\?"/],
  ['an empty action', '{{ }}', /a value is missing/],
  ['an unknown template', '{{ template "x" }}', /template "x" is not defined/],
  ['an unknown escape', '{{ "\\q" }}', /unknown escape/],
  ['nesting without end', '{{ if 1 }}'.repeat(200), /nested more than 100 deep/],
  ['parentheses without end', `{{ ${'('.repeat(200)} }}`, /nested more than 100 deep/],
]

for (const [what, template, message] of REFUSED)
  test(`a template is refused when it is read: ${what}`, () => {
    assert.throws(
      () => parseTemplate(template, FUNCTIONS),
      (error) => error instanceof TemplateError && message.test(error.message),
    )
  })

const FAILING: readonly (readonly [what: string, template: string, message: RegExp])[] = [
  ['fail', 'a\n{{ fail "no way" }}', /^line 2, column 4: no way$/],
  ['a field that a struct cannot have', '{{ .Meta.name }}', /there is no field name/],
  ['a field of null', '{{ .Values.global.nothing.x }}', /nothing has no field x/],
  ['a field of a string', '{{ .Values.global.hub.x }}', /a string has no field x/],
  ['range over a string', '{{ range "abc" }}{{ end }}', /range cannot walk a string/],
  ['an index outside a list', '{{ index (list 1) 1 }}', /index 1 is outside/],
  ['a struct in print', '{{ .Spec }}', /cannot be printed/],
  ['comparing lists', '{{ eq (list) (list) }}', /cannot be compared/],
  ['ordering what has no order', '{{ lt "a" 1 }}', /have no order/],
  ['an argument of another kind', '{{ upper 1 }}', /a string is needed, not a number/],
  ['an unknown verb', '{{ printf "%z" 1 }}', /printf does not know %z/],
  ['an argument without verb', '{{ printf "%s" 1 2 }}', /more arguments than verbs/],
  ['a verb without argument', '{{ printf "%s" }}', /no argument for %s/],
  ['division by zero', '{{ div 1 0 }}', /division by zero/],
  [
    'templates that call each other without end',
    '{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}',
    /more than 50 deep/,
  ],
  [
    'a text that doubles without end',
    '{{ $x := "ab" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}',
    /too large/,
  ],
  [
    'lists that hold each other',
    '{{ $x := list 1 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}',
    /too (large|many steps)/,
  ],
  ['nesting without end', '{{ $x := list 1 }}{{ range until 1000 }}{{ $x = list $x }}{{ end }}', /too large/],
  [
    'output without end',
    '{{ range until 10000 }}{{ range until 10000 }}0123456789{{ end }}{{ end }}',
    /too (large|many steps)/,
  ],
  ['walking without end', '{{ range 999999999999 }}{{ end }}', /too many steps/],
  ['repeating without end', '{{ repeat 999999999 "abc" }}', /too large/],
]

for (const [what, template, message] of FAILING)
  test(`a template fails with its place: ${what}`, () => {
    assert.throws(
      () => render(template),
      (error) => error instanceof TemplateError && message.test(error.message) && error.line > 0 && error.column > 0,
    )
  })

test('any text is either a template or refused, and any template renders or fails, in bounded time', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '{{',
      '}}',
      '{{-',
      '-}}',
      'if',
      'end',
      'else',
      'range',
      'with',
      '.',
      '.A',
      '$',
      '$x',
      ':=',
      '=',
      '|',
      '(',
      ')',
      '"a"',
      '`',
      "'",
      '1',
      'print',
      'index',
      ' ',
      '\n',
      '/*',
      '*/',
      ',',
    ),
    fc.string({ maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), fc.jsonValue(), (pieces, data) => {
      try {
        render(pieces.join(''), { A: data })
      } catch (error) {
        assert.ok(error instanceof TemplateError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('what is printed by toJson comes back by fromJson', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const once = render('{{ toJson . }}', value)
      assert.deepEqual(JSON.parse(once), JSON.parse(JSON.stringify(value)))
      assert.equal(render('{{ toJson . | fromJson | toJson }}', value as Value), once)
    }),
  )
})
