// The CNI plugin sluice-cni: what a container runtime executes for every pod of a node.
//
// It holds no credential, calls no API and makes no rule. It hands the request to Sluice's agent on this node and gives back
// the agent's answer, with the result of the plugin before it untouched. Where no agent answers, it refuses the pods that were
// promised redirection and lets all others pass.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

const about = "sluice-cni: asks Sluice's agent on this node to redirect the traffic of a pod"

func main() {
	// These two succeed whatever they are given: a runtime repeats a DEL that failed for ever, and the pod never ends.
	// The framework refuses a configuration that it cannot read, so it is not asked.
	switch command := os.Getenv("CNI_COMMAND"); command {
	case "DEL", "GC":
		farewell(command, os.Stdin, os.Stderr)
		return
	}
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Check: check, Status: status}, version.All, about)
}

// add refuses, or prints what the plugin before gave.
func add(args *skel.CmdArgs) error {
	n, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	if err := ask("ADD", args, n); err != nil {
		return err
	}
	return printResult(os.Stdout, n)
}

// check tells the truth about the pod's rules: the agent compares them with what it would make.
func check(args *skel.CmdArgs) error {
	n, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	return ask("CHECK", args, n)
}

// status succeeds whenever the plugin can run. A node whose STATUS fails is not ready for any pod, and no failure of Sluice
// may stop a node (docs/decisions/0009).
func status(*skel.CmdArgs) error { return nil }

// uninstalled says whether Sluice was taken away from this node on purpose: then the binary only stays for the sandboxes that
// were made with it, and lets everything pass.
func uninstalled() bool {
	own, err := os.Executable()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(own), "sluice-cni.uninstalled"))
	return err == nil
}

// farewell tells the agent of what has gone; the end of a pod waits for it, so its patience is for all of it together. Nobody
// hears of a failure but the runtime's log.
func farewell(command string, stdin io.Reader, log io.Writer) {
	deadline := time.Now().Add(patience[command])
	data := readAll(stdin, deadline)
	n, err := parse(data)
	if err == nil {
		err = exchange(command, argsFromEnvironment(data), n, time.Until(deadline))
	}
	if err != nil {
		fmt.Fprintf(log, "sluice-cni: %s: the agent was not told: %v\n", command, err)
	}
}

// readAll gives what stdin holds; nothing where whoever calls does not end it, since a DEL must end all the same.
func readAll(stdin io.Reader, deadline time.Time) []byte {
	done := make(chan []byte, 1)
	go func() {
		data, _ := io.ReadAll(io.LimitReader(stdin, maxAnswer))
		done <- data
	}()
	select {
	case data := <-done:
		return data
	case <-time.After(time.Until(deadline)):
		return nil
	}
}

// ask gives the agent's refusal, or nil. Without an answer it decides by what the pod was promised.
func ask(command string, args *skel.CmdArgs, n *network) error {
	pod := podOf(args.Args)
	if pod.namespace == "" { // not a pod of Kubernetes
		return nil
	}
	if n.excludes(pod.namespace) && !n.decidedForNode() {
		return nil
	}
	err := exchange(command, args, n, patience[command])
	if refusal, ok := err.(*types.Error); ok {
		return refusal
	}
	if err == nil || !n.promises() || (errors.Is(err, errAway) && uninstalled()) {
		return nil
	}
	return types.NewError(types.ErrTryAgainLater, agentAway, agentAwayFix+" ("+err.Error()+")")
}
