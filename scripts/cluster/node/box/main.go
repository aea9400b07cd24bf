// box is the program of the test pods: the pause process of every sandbox, a server, a client, and a stand-in for the proxy.
//
//	box                       waits for the end
//	box serve ADDRESS NAME    answers every connection with NAME and the address that the client wanted; and that a proxy made the
//	                          connection, where one says so in a PROXY line
//	box ask ADDRESS WORDS     asks the server there again and again, and tells how often it was asked, did not answer, and answered
//	                          without WORDS; beside `serve` in one command line, as often as wanted
//	box dial ADDRESS          prints what the server there answers
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	done := make(chan os.Signal, 1)
	signal.Notify(done, syscall.SIGTERM, syscall.SIGINT)
	if len(os.Args) == 3 && os.Args[1] == "dial" {
		answer, err := dial(os.Args[2])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Print(answer)
		return
	}
	for i := 1; i+2 < len(os.Args); i += 3 {
		if os.Args[i] == "ask" {
			go ask(os.Args[i+1], os.Args[i+2])
		} else {
			go serve(os.Args[i+1], os.Args[i+2])
		}
	}
	<-done
}

func dial(address string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	// a proxy says who it is with the first byte that it passes on
	conn.Write([]byte{'\n'})
	answer, err := io.ReadAll(conn)
	// a server that ends the connection after its answer has answered
	if len(answer) > 0 {
		err = nil
	}
	return string(answer), err
}

func ask(address, words string) {
	for asked, failed, bare := 1, 0, 0; ; asked++ {
		answer, err := dial(address)
		if err != nil || answer == "" {
			failed++
		} else if !strings.Contains(answer, words) {
			bare++
		}
		// often enough to meet every change, and no load of its own
		time.Sleep(50 * time.Millisecond)
		fmt.Printf("{\"asked\":%d,\"failed\":%d,\"bare\":%d}\n", asked, failed, bare)
	}
}

func serve(address, name string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			continue
		}
		go answer(conn, name)
	}
}

func answer(conn net.Conn, name string) {
	defer conn.Close()
	// all that is said is read: a connection that is closed with something unread is reset, and the answer lost
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	said, part := "", make([]byte, 1024)
	for !isWhole(said) && len(said) < 4096 {
		n, err := conn.Read(part)
		said += string(part[:n])
		if err != nil {
			break
		}
	}
	by := ""
	if strings.HasPrefix(said, "PROXY ") {
		by = " by a proxy"
	}
	fmt.Fprintf(conn, "%s was asked for %s%s\n", name, wanted(conn.(*net.TCPConn)), by)
}

// isWhole: behind a line of each proxy on the way, the line of whoever asks has come.
func isWhole(said string) bool {
	line, rest, found := strings.Cut(said, "\n")
	if found && strings.HasPrefix(line, "PROXY ") {
		return isWhole(rest)
	}
	return found
}

// wanted is where the connection was going before it was redirected (SO_ORIGINAL_DST), else where it came to.
func wanted(conn *net.TCPConn) string {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err.Error()
	}
	text := conn.LocalAddr().String()
	raw.Control(func(fd uintptr) {
		var address [16]byte
		size := uint32(len(address))
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_IP, 80,
			uintptr(unsafe.Pointer(&address[0])), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 {
			port := int(address[2])<<8 | int(address[3])
			text = fmt.Sprintf("%s:%d", net.IP(address[4:8]), port)
		}
	})
	return text
}
