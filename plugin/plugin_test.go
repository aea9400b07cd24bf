package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var plugin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sluice-plugin-")
	if err != nil {
		panic(err)
	}
	plugin = filepath.Join(dir, "sluice-cni")
	if out, err := exec.Command("go", "build", "-o", plugin, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

type call struct {
	command, stdin, namespace string
	// takes away a variable that the command needs
	without string
}

// run executes the plugin as a runtime does.
func run(c call) (stdout, stderr string, code int) {
	if c.namespace == "" {
		c.namespace = "shop"
	}
	env := map[string]string{
		"CNI_COMMAND": c.command, "CNI_CONTAINERID": "c1", "CNI_NETNS": "/proc/1/ns/net", "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin",
		"CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + c.namespace + ";K8S_POD_NAME=web-0;K8S_POD_UID=u1",
		// the test and the plugin share a namespace, which the framework takes for a mistake
		"CNI_NETNS_OVERRIDE": "1",
	}
	delete(env, c.without)
	cmd := exec.Command(plugin)
	for key, value := range env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Stdin = strings.NewReader(c.stdin)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	cmd.Run()
	return out.String(), log.String(), cmd.ProcessState.ExitCode()
}

// conf is a configuration with the agent's socket; nil annotations: the runtime passes none.
func conf(version, socket, prevResult string, annotations map[string]string) string {
	runtime := "{}"
	if annotations != nil {
		text, _ := json.Marshal(annotations)
		runtime = `{"io.kubernetes.cri.pod-annotations":` + string(text) + `}`
	}
	prev := ""
	if prevResult != "" {
		prev = `,"prevResult":` + prevResult
	}
	return `{"cniVersion":"` + version + `","name":"node","type":"sluice-cni","socket":"` + socket +
		`","excludeNamespaces":["kube-system"],"runtimeConfig":` + runtime + prev + `}`
}

// odd spacing, an unknown field, a number beyond a double: whoever re-encodes loses one of them
var results = map[string]string{
	"0.1.0": `{"cniVersion":"0.1.0",  "ip4":{"ip":"10.0.0.2/24"},"dns":{}, "x":12345678901234567890}`,
	"0.2.0": `{"cniVersion":"0.2.0",  "ip4":{"ip":"10.0.0.2/24"},"dns":{}, "x":12345678901234567890}`,
	"0.3.0": `{"cniVersion":"0.3.0",  "ips":[{"version":"4","address":"10.0.0.2/24"}], "x":12345678901234567890}`,
	"0.3.1": `{"cniVersion":"0.3.1",  "ips":[{"version":"4","address":"10.0.0.2/24"}], "x":12345678901234567890}`,
	"0.4.0": `{"cniVersion":"0.4.0",  "ips":[{"version":"4","address":"10.0.0.2/24"}], "x":12345678901234567890}`,
	"1.0.0": `{"cniVersion":"1.0.0",  "ips":[{"address":"10.0.0.2/24"}],"dns":{}, "x":12345678901234567890}`,
	"1.1.0": `{"cniVersion":"1.1.0",  "ips":[{"address":"10.0.0.2/24"}],"dns":{}, "x":12345678901234567890}`,
}

func TestAddGivesTheResultBeforeItBackUntouchedInEveryVersion(t *testing.T) {
	socket, _ := agentWith(t, example(t, "answer-passed.json"))
	for version, result := range results {
		stdout, _, code := run(call{command: "ADD", stdin: conf(version, socket, result, map[string]string{})})
		if code != 0 || stdout != result+"\n" {
			t.Errorf("%s: %d %s", version, code, stdout)
		}
	}
	stdout, _, code := run(call{command: "ADD", stdin: conf("1.0.0", socket, "", nil)})
	if code != 0 || strings.TrimSpace(stdout) != `{"cniVersion":"1.0.0"}` {
		t.Errorf("without a result before it: %d %s", code, stdout)
	}
}

func TestAddPrintsTheRefusalOfTheAgent(t *testing.T) {
	socket, _ := agentWith(t, example(t, "answer-refused.json"))
	stdout, _, code := run(call{command: "ADD", stdin: conf("1.0.0", socket, results["1.0.0"], map[string]string{})})
	var printed, refused struct {
		Code         int
		Msg, Details string
		Error        *struct {
			Code         int
			Msg, Details string
		}
	}
	json.Unmarshal([]byte(stdout), &printed)
	json.Unmarshal(example(t, "answer-refused.json"), &refused)
	if code == 0 || printed.Code != refused.Error.Code || printed.Msg != refused.Error.Msg || printed.Details != refused.Error.Details {
		t.Errorf("%d %s", code, stdout)
	}
}

func TestWithTheAgentAwayOnlyWhatWasPromisedIsRefused(t *testing.T) {
	away := filepath.Join(t.TempDir(), "nobody.sock")
	var cases []struct {
		Name, Namespace string
		Annotations     map[string]string
		Passes          bool
	}
	if err := json.Unmarshal(example(t, "promises.json"), &cases); err != nil || len(cases) < 10 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	for _, c := range cases {
		stdout, _, code := run(call{command: "ADD", namespace: c.Namespace, stdin: conf("1.0.0", away, results["1.0.0"], c.Annotations)})
		if passed := code == 0; passed != c.Passes {
			t.Errorf("%s: %d %s", c.Name, code, stdout)
		}
		if c.Passes {
			continue
		}
		var printed, want struct {
			Code         int
			Msg, Details string
		}
		json.Unmarshal([]byte(stdout), &printed)
		json.Unmarshal(example(t, "agent-away.json"), &want)
		if printed.Code != want.Code || printed.Msg != want.Msg || !strings.HasPrefix(printed.Details, want.Details) {
			t.Errorf("%s: %s", c.Name, stdout)
		}
	}
}

func TestWhatAnUninstallLeavesLetsEverythingPassOnceTheAgentIsGone(t *testing.T) {
	marker := filepath.Join(filepath.Dir(plugin), "sluice-cni.uninstalled")
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(marker)
	promised := map[string]string{"sluice-mesh.io/decided": "cni"}
	away := filepath.Join(t.TempDir(), "nobody.sock")
	stdout, _, code := run(call{command: "ADD", stdin: conf("1.0.0", away, results["1.0.0"], promised)})
	if code != 0 || stdout != results["1.0.0"]+"\n" {
		t.Errorf("%d %s", code, stdout)
	}
	// an agent that is there and breaks off is none that was taken away
	socket, _ := agentWith(t, []byte("{"))
	if stdout, _, code := run(call{command: "ADD", stdin: conf("1.0.0", socket, results["1.0.0"], promised)}); code == 0 {
		t.Errorf("%s", stdout)
	}
}

func TestDelAndGcAlwaysSucceedAndSayNothing(t *testing.T) {
	away := filepath.Join(t.TempDir(), "nobody.sock")
	good := conf("1.1.0", away, results["1.1.0"], nil)
	for name, stdin := range map[string]string{
		"nobody answers":         good,
		"no configuration":       "",
		"no JSON":                "{",
		"a result that is cut":   good[:len(good)-20],
		"a result of other type": conf("1.0.0", away, `7`, nil),
		"a version of tomorrow":  conf("9.9.9", away, "", nil),
	} {
		for _, command := range []string{"DEL", "GC"} {
			for _, without := range []string{"", "CNI_NETNS", "CNI_CONTAINERID", "CNI_ARGS"} {
				stdout, _, code := run(call{command: command, stdin: stdin, without: without})
				if code != 0 || stdout != "" {
					t.Errorf("%s, %s without %q: %d %s", command, name, without, code, stdout)
				}
			}
		}
	}
}

func TestDelGivesUpAnAgentThatHangs(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "cni.sock")
	listener, err := net.Listen("unix", socket) // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, log, code := run(call{command: "DEL", stdin: conf("1.0.0", socket, "", nil)})
	if code != 0 || !strings.Contains(log, "the agent was not told") {
		t.Errorf("%d %s", code, log)
	}
}

// slow is an input that takes its time.
type slow struct {
	io.Reader
	takes time.Duration
}

func (s *slow) Read(into []byte) (int, error) {
	time.Sleep(s.takes)
	s.takes = 0
	return s.Reader.Read(into)
}

func TestWhatTheInputOfADelTakesIsNotWaitedForOnceMore(t *testing.T) {
	socket, asked := agentWith(t, example(t, "answer-passed.json"))
	usual, took := patience["DEL"], 300*time.Millisecond
	patience["DEL"] = time.Minute // on a busy machine too
	defer func() { patience["DEL"] = usual }()
	var log bytes.Buffer
	farewell("DEL", &slow{strings.NewReader(conf("1.0.0", socket, "", nil)), took}, &log)
	var got request
	if err := json.Unmarshal(<-asked, &got); err != nil || log.Len() > 0 {
		t.Fatalf("%v %s", err, log.String())
	}
	if left := patience["DEL"] - took; got.DeadlineMs <= 0 || got.DeadlineMs > left.Milliseconds() {
		t.Errorf("%d ms are left of %v", got.DeadlineMs, left)
	}
}

func TestDelEndsThoughItsInputDoesNot(t *testing.T) {
	patient, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(patient, plugin)
	cmd.Env = []string{"CNI_COMMAND=DEL", "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin"}
	stdin, err := cmd.StdinPipe() // open until the plugin has ended
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if _, err := stdin.Write([]byte(`{"cniVersion":"1.0.0"`)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}

func TestStatusSucceedsWheneverThePluginCanRun(t *testing.T) {
	away := filepath.Join(t.TempDir(), "nobody.sock")
	if stdout, _, code := run(call{command: "STATUS", stdin: conf("1.1.0", away, "", nil)}); code != 0 {
		t.Errorf("%d %s", code, stdout)
	}
}

func TestVersionNamesAllThatAreSupported(t *testing.T) {
	stdout, _, code := run(call{command: "VERSION", stdin: `{"cniVersion":"1.0.0"}`})
	for version := range results {
		if code != 0 || !strings.Contains(stdout, `"`+version+`"`) {
			t.Errorf("%s: %d %s", version, code, stdout)
		}
	}
}

func TestAddRefusesWhatItCannotRead(t *testing.T) {
	for name, stdin := range map[string]string{"no JSON": "{", "annotations that are none": `{"cniVersion":"1.0.0","name":"n","type":"t","runtimeConfig":{"io.kubernetes.cri.pod-annotations":7}}`} {
		if stdout, _, code := run(call{command: "ADD", stdin: stdin}); code == 0 {
			t.Errorf("%s: %s", name, stdout)
		}
	}
}

func TestSomethingThatIsNoPodOfKubernetesPasses(t *testing.T) {
	away := filepath.Join(t.TempDir(), "nobody.sock")
	if stdout, _, code := run(call{command: "ADD", without: "CNI_ARGS", stdin: conf("1.0.0", away, results["1.0.0"], nil)}); code != 0 {
		t.Errorf("%d %s", code, stdout)
	}
}
