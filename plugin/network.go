package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

// annotationsCapability is how containerd and CRI-O hand over a pod's annotations.
const annotationsCapability = "io.kubernetes.cri.pod-annotations"

const defaultSocket = "/var/run/sluice/cni.sock"

// network is the configuration of stdin, as far as the plugin reads it.
type network struct {
	CNIVersion        string          `json:"cniVersion"`
	Socket            string          `json:"socket"`
	ExcludeNamespaces []string        `json:"excludeNamespaces"`
	PrevResult        json.RawMessage `json:"prevResult"`
	RuntimeConfig     struct {
		// nil where the runtime passes none: then nothing is known of the pod
		Annotations map[string]string `json:"io.kubernetes.cri.pod-annotations"`
	} `json:"runtimeConfig"`
	raw json.RawMessage
}

func parse(stdin []byte) (*network, error) {
	n := &network{raw: stdin}
	if err := json.Unmarshal(stdin, n); err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, "the network configuration cannot be read", err.Error())
	}
	if n.Socket == "" {
		n.Socket = defaultSocket
	}
	return n, nil
}

func (n *network) excludes(namespace string) bool {
	return slices.Contains(n.ExcludeNamespaces, namespace)
}

// decidedForNode says whether Sluice's webhook left the pod's redirection to the node.
func (n *network) decidedForNode() bool {
	decided := n.RuntimeConfig.Annotations["sluice-mesh.io/decided"]
	return decided == "cni" || decided == "ambient"
}

// promises says whether the pod would run unredirected, against what was promised, if it passed now. An annotation can only
// make this stricter; where the runtime passes none, every pod may have been promised it.
func (n *network) promises() bool {
	annotations := n.RuntimeConfig.Annotations
	if annotations == nil || n.decidedForNode() {
		return true
	}
	if _, enrolled := annotations["ambient.istio.io/redirection"]; enrolled {
		return true
	}
	// the injection of a CNI-mode sidecar; read as text, so that no odd JSON hides the name
	return strings.Contains(annotations["sidecar.istio.io/status"], `"istio-validation"`)
}

// printResult gives the runtime the very bytes that it gave: they are in the configuration's version already.
func printResult(out io.Writer, n *network) error {
	result := n.PrevResult
	if len(result) == 0 || string(result) == "null" {
		var err error
		if result, err = json.Marshal(map[string]string{"cniVersion": n.CNIVersion}); err != nil {
			return err
		}
	}
	_, err := out.Write(append(result, '\n'))
	return err
}

// pod is what CNI_ARGS says of who is asked for.
type pod struct{ namespace string }

func podOf(args string) pod {
	for _, pair := range strings.Split(args, ";") {
		if namespace, found := strings.CutPrefix(pair, "K8S_POD_NAMESPACE="); found {
			return pod{namespace}
		}
	}
	return pod{}
}

func argsFromEnvironment(stdin []byte) *skel.CmdArgs {
	return &skel.CmdArgs{
		ContainerID: os.Getenv("CNI_CONTAINERID"),
		Netns:       os.Getenv("CNI_NETNS"),
		IfName:      os.Getenv("CNI_IFNAME"),
		Args:        os.Getenv("CNI_ARGS"),
		StdinData:   stdin,
	}
}
