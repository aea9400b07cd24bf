// pilot-agent stands in for the program of Istio's image proxyv2, as far as a pod needs it to start: it runs a real Envoy with the
// listeners of proxyv2, says that it is ready, and measures redirection as `istio-validation` does.
//
//	pilot-agent proxy sidecar …            Envoy with /envoy.json, and /healthz/ready on port 15021
//	pilot-agent istio-iptables … [--run-validation] [--skip-rule-apply]
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// what the tool of Istio ends with where nothing is redirected
const notRedirected = 126

func main() {
	if len(os.Args) > 1 && os.Args[1] == "istio-iptables" {
		rules(os.Args[2:])
		return
	}
	proxy()
}

func proxy() {
	envoy := exec.Command("/envoy", "--config-path", "/envoy.json", "--disable-hot-restart", "--concurrency", "1")
	envoy.Stdout, envoy.Stderr = os.Stdout, os.Stderr
	if err := envoy.Start(); err != nil {
		fail(1, err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		envoy.Process.Kill()
	}()
	go http.ListenAndServe(":15021", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:15001", time.Second)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		conn.Close()
	}))
	envoy.Wait()
}

// rules applies nothing here but the fixed rules of the image, which is what a pod of mode init needs.
func rules(args []string) {
	if !slices.Contains(args, "--skip-rule-apply") {
		nft := exec.Command("/usr/sbin/nft", "-f", "/rules.nft")
		nft.Stdout, nft.Stderr = os.Stdout, os.Stderr
		if err := nft.Run(); err != nil {
			fail(1, err)
		}
	}
	if slices.Contains(args, "--run-validation") {
		validate()
	}
}

// validate passes when a connection to an address that nobody has arrives at a listener of its own.
func validate() {
	arrived := make(chan struct{}, 2)
	for _, address := range []string{"127.0.0.1:15001", "127.0.0.1:15006"} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			fail(1, err)
		}
		go func() {
			for {
				if conn, err := listener.Accept(); err == nil {
					conn.Close()
					arrived <- struct{}{}
				}
			}
		}()
	}
	for range 5 {
		go net.DialTimeout("tcp", "127.0.0.6:15002", time.Second)
		select {
		case <-arrived:
			return
		case <-time.After(time.Second):
		}
	}
	fail(notRedirected, fmt.Errorf("nothing is redirected"))
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(code)
}
