package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

// The protocol's version, and its messages: contract/ holds their schema and the examples that both sides test with.
const protocolVersion = 1

// What is told of a pod that was promised redirection while no agent answers; the same words as in the table of reasons.
const (
	agentAway    = "sluice: agent_away: the pod was promised redirection, and Sluice's agent on this node does not answer"
	agentAwayFix = "see whether the agent's pod on this node is Ready, and its log; the kubelet tries again by itself"
)

// errAway: nobody listens at the agent's socket.
var errAway = errors.New("no agent listens")

const dialTimeout = 2 * time.Second

// maxAnswer bounds what is read from anywhere.
const maxAnswer = 1 << 20

// patience is how long each command waits for the agent: below the kubelet's for a sandbox, and next to nothing where the
// answer changes nothing.
var patience = map[string]time.Duration{"ADD": 60 * time.Second, "CHECK": 30 * time.Second, "DEL": 2 * time.Second, "GC": 2 * time.Second}

type request struct {
	Version     int             `json:"version"`
	Command     string          `json:"command"`
	ContainerID string          `json:"containerId"`
	Netns       string          `json:"netns"`
	IfName      string          `json:"ifName"`
	Args        string          `json:"args"`
	DeadlineMs  int64           `json:"deadlineMs"`
	Config      json.RawMessage `json:"config"`
}

type answer struct {
	Version int          `json:"version"`
	Error   *types.Error `json:"error"`
}

// exchange sends one request and reads one answer, all of it within wait. A *types.Error is the agent's refusal; any other error
// means that there was no answer.
func exchange(command string, args *skel.CmdArgs, n *network, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	conn, err := net.DialTimeout("unix", n.Socket, min(dialTimeout, wait))
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	body := request{protocolVersion, command, args.ContainerID, args.Netns, args.IfName, args.Args, wait.Milliseconds(), n.raw}
	// one line; the connection stays open, so that its end means that nobody waits any more
	if err := json.NewEncoder(conn).Encode(body); err != nil {
		return err
	}
	return read(conn)
}

func read(conn io.Reader) error {
	data, err := bufio.NewReader(io.LimitReader(conn, maxAnswer)).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the agent gave no answer: %w", err)
	}
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("the agent's answer cannot be read: %w", err)
	}
	if a.Version != protocolVersion {
		return fmt.Errorf("the agent answers in version %d, and this plugin reads %d", a.Version, protocolVersion)
	}
	if a.Error != nil {
		return a.Error
	}
	return nil
}
