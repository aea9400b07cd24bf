// istio-cni stands in for Istio's CNI node agent and for its plugin, written from what they are known to do: one program, which is
// the plugin where the runtime calls it, and else the agent of the DaemonSet istio-cni-node without ambient.
//
// The agent copies itself beside the other plugins, leaves a credential for the plugin, keeps its entry in the configuration of the
// runtime, and takes all three away when it is told to end. The plugin asks the API server for each pod and makes the rules of a
// pod that says nothing of its own about its traffic, by the iptables of the node.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"
)

const (
	binary     = "/host/opt/cni/bin/istio-cni"
	confDir    = "/host/etc/cni/net.d"
	credential = "/var/run/istio-cni/istio-cni-kubeconfig"
	account    = "/var/run/secrets/kubernetes.io/serviceaccount/"
)

// what the plugin finds in the agent's file
type access struct{ Server, CA, Token string }

func main() {
	if os.Getenv("CNI_COMMAND") != "" {
		plugin()
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	install()
	for {
		select {
		case <-stop:
			cleanUp()
			return
		case <-time.After(500 * time.Millisecond):
			edit(true)
		}
	}
}

func install() {
	self, err := os.ReadFile("/proc/self/exe")
	check(err)
	check(os.WriteFile(binary+".tmp", self, 0o755))
	check(os.Rename(binary+".tmp", binary))
	ca, err := os.ReadFile(account + "ca.crt")
	check(err)
	token, err := os.ReadFile(account + "token")
	check(err)
	server := "https://" + os.Getenv("KUBERNETES_SERVICE_HOST") + ":" + os.Getenv("KUBERNETES_SERVICE_PORT")
	text, err := json.Marshal(access{server, string(ca), string(token)})
	check(err)
	check(os.WriteFile(credential, text, 0o600))
	edit(true)
}

// the configuration first, then what it needs
func cleanUp() {
	edit(false)
	os.Remove(credential)
	os.Remove(binary)
}

// edit puts the entry at the end of the first list, or takes it out. That it is anywhere in the list is enough; what it says is
// not looked at, and the rest is written with its keys sorted.
func edit(wanted bool) {
	files, _ := filepath.Glob(confDir + "/*.conflist")
	sort.Strings(files)
	if len(files) == 0 {
		return
	}
	text, err := os.ReadFile(files[0])
	check(err)
	var list map[string]any
	if json.Unmarshal(text, &list) != nil {
		return
	}
	plugins, _ := list["plugins"].([]any)
	ours := func(entry any) bool { return entry.(map[string]any)["type"] == "istio-cni" }
	if slices.ContainsFunc(plugins, ours) == wanted {
		return
	}
	plugins = slices.DeleteFunc(plugins, ours)
	if wanted {
		plugins = append(plugins, map[string]any{
			"type": "istio-cni", "name": "istio-cni", "plugin_log_level": "info", "cni_agent_run_dir": "/var/run/istio-cni",
			"ambient_enabled": false, "exclude_namespaces": []string{"kube-system"}, "pod_namespace": os.Getenv("POD_NAMESPACE"),
			"ipam": map[string]any{}, "dns": map[string]any{},
		})
	}
	list["plugins"] = plugins
	after, err := json.MarshalIndent(list, "", "  ")
	check(err)
	check(os.WriteFile(files[0]+".tmp", after, 0o644))
	check(os.Rename(files[0]+".tmp", files[0]))
}

type container struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

type pod struct {
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		InitContainers []container `json:"initContainers"`
		Containers     []container `json:"containers"`
	} `json:"spec"`
}

func plugin() {
	input, _ := io.ReadAll(os.Stdin)
	var config struct {
		PrevResult        json.RawMessage `json:"prevResult"`
		ExcludeNamespaces []string        `json:"exclude_namespaces"`
		PodNamespace      string          `json:"pod_namespace"`
	}
	if os.Getenv("CNI_COMMAND") != "ADD" {
		return
	}
	if err := json.Unmarshal(input, &config); err != nil {
		refuse("failed to parse network configuration", err)
	}
	args := map[string]string{}
	for _, arg := range strings.Split(os.Getenv("CNI_ARGS"), ";") {
		key, value, _ := strings.Cut(arg, "=")
		args[key] = value
	}
	namespace, name := args["K8S_POD_NAMESPACE"], args["K8S_POD_NAME"]
	own := namespace == config.PodNamespace && strings.HasPrefix(name, "istio-cni-node-")
	if !own && !slices.Contains(config.ExcludeNamespaces, namespace) {
		found, err := read(namespace, name)
		if err != nil {
			refuse("failed to get pod", err)
		}
		if redirects(found) {
			if err := program(os.Getenv("CNI_NETNS")); err != nil {
				refuse("failed to program the pod", err)
			}
		}
	}
	os.Stdout.Write(config.PrevResult)
}

func read(namespace, name string) (pod, error) {
	var found pod
	text, err := os.ReadFile(credential)
	if err != nil {
		return found, err
	}
	var to access
	if err := json.Unmarshal(text, &to); err != nil {
		return found, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(to.CA))
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	request, err := http.NewRequest("GET", to.Server+"/api/v1/namespaces/"+namespace+"/pods/"+name, nil)
	if err != nil {
		return found, err
	}
	request.Header.Set("Authorization", "Bearer "+to.Token)
	answer, err := client.Do(request)
	if err != nil {
		return found, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return found, fmt.Errorf("the API server says %s", answer.Status)
	}
	return found, json.NewDecoder(answer.Body).Decode(&found)
}

// redirects is Istio's table of who is left alone, first match wins.
func redirects(p pod) bool {
	all := append(slices.Clone(p.Spec.InitContainers), p.Spec.Containers...)
	at := slices.IndexFunc(all, func(c container) bool { return c.Name == "istio-proxy" })
	if slices.ContainsFunc(all, func(c container) bool { return c.Name == "istio-init" }) || at < 0 {
		return false
	}
	if args := all[at].Args; len(args) >= 2 && args[0] == "proxy" && args[1] != "sidecar" {
		return false
	}
	if p.Metadata.Labels["sidecar.istio.io/inject"] == "false" {
		return false
	}
	_, injected := p.Metadata.Annotations["sidecar.istio.io/status"]
	return injected
}

func program(netns string) error {
	command := exec.Command("nsenter", "--net="+netns, "iptables-restore", "--noflush")
	command.Stdin = strings.NewReader(rules)
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	return nil
}

func refuse(what string, err error) {
	text, _ := json.Marshal(map[string]any{"cniVersion": "1.0.0", "code": 999, "msg": what + ": " + err.Error()})
	os.Stdout.Write(text)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// all in and out by the proxy, but for the ports that the plugin leaves out of every pod that says nothing
const rules = `*nat
-N ISTIO_INBOUND
-N ISTIO_REDIRECT
-N ISTIO_IN_REDIRECT
-N ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -p tcp --dport 15020 -j RETURN
-A ISTIO_OUTPUT -p udp --dport 15020 -j RETURN
-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN
-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
COMMIT
`
