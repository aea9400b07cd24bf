// What a container runtime does with a CNI plugin: starts it by os/exec, hands it environment and standard input, and waits.
// Measured from there, a plugin costs what it costs a node: a process that forks as Node does adds up to ten times as much.
//
// Reads one order from standard input and prints one end for each of its calls.
package main

import (
	"encoding/json"
	"log"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

type order struct {
	Program string `json:"program"`
	// all calls at the same time; otherwise one after the other
	AtOnce bool   `json:"atOnce"`
	Calls  []call `json:"calls"`
}

type call struct {
	Env   []string `json:"env"`
	Stdin string   `json:"stdin"`
}

type end struct {
	WallMs float64 `json:"wallMs"`
	CpuMs  float64 `json:"cpuMs"`
	Code   int     `json:"code"`
	Stdout string  `json:"stdout"`
}

func main() {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		log.Fatal(err)
	}
	ends := make([]end, len(o.Calls))
	var all sync.WaitGroup
	for i, c := range o.Calls {
		if !o.AtOnce {
			ends[i] = run(o.Program, c)
			continue
		}
		all.Add(1)
		go func() {
			defer all.Done()
			ends[i] = run(o.Program, c)
		}()
	}
	all.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(ends); err != nil {
		log.Fatal(err)
	}
}

func run(program string, c call) end {
	var stdout strings.Builder
	cmd := exec.Command(program)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Env, strings.NewReader(c.Stdin), &stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if cmd.ProcessState == nil {
		log.Fatal(err)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return end{ms(wall), ms(used), cmd.ProcessState.ExitCode(), stdout.String()}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
