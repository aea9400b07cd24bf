package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

const examples = "../contract/examples/"

func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(examples + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// agentWith is a socket that answers each request with answer, and what it was asked.
func agentWith(t *testing.T, answer []byte) (string, <-chan []byte) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "cni.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	asked := make(chan []byte, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			data, _ := bufio.NewReader(conn).ReadBytes('\n')
			conn.Write(append(bytes.ReplaceAll(answer, []byte("\n"), nil), '\n'))
			conn.Close()
			asked <- data
		}
	}()
	return socket, asked
}

func TestTheRequestsOfThePluginAreTheExamples(t *testing.T) {
	files, _ := filepath.Glob(examples + "request-*.json")
	if len(files) != 4 {
		t.Fatalf("%d examples of requests", len(files))
	}
	for _, file := range files {
		var want request
		wanted := example(t, filepath.Base(file))
		if err := json.Unmarshal(wanted, &want); err != nil {
			t.Fatal(err)
		}
		socket, asked := agentWith(t, example(t, "answer-passed.json"))
		n, err := parse(want.Config)
		if err != nil {
			t.Fatal(err)
		}
		n.Socket = socket
		args := &skel.CmdArgs{ContainerID: want.ContainerID, Netns: want.Netns, IfName: want.IfName, Args: want.Args}
		if err := exchange(want.Command, args, n, patience[want.Command]); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if got := <-asked; !same(t, got, wanted) {
			t.Errorf("%s: asked %s", file, got)
		}
	}
}

func TestARefusalOfTheAgentIsTheErrorOfThePlugin(t *testing.T) {
	socket, _ := agentWith(t, example(t, "answer-refused.json"))
	err := exchange("ADD", &skel.CmdArgs{}, &network{Socket: socket, raw: []byte("{}")}, time.Minute)
	refusal, ok := err.(*types.Error)
	if !ok || refusal.Code != types.ErrTryAgainLater || refusal.Details == "" {
		t.Errorf("%#v", err)
	}
}

func TestAnAnswerThatIsNoneIsNoRefusal(t *testing.T) {
	for _, answer := range []string{"", "{", "[]", `{"version":2}`, `{"error":{"code":11,"msg":"x"}}`} {
		socket, _ := agentWith(t, []byte(answer))
		err := exchange("ADD", &skel.CmdArgs{}, &network{Socket: socket, raw: []byte("{}")}, time.Minute)
		if _, isRefusal := err.(*types.Error); err == nil || isRefusal {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}
