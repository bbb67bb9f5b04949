// Takes part in a leader election as Kubernetes' controllers do, with client-go, and writes an Event again and again while
// it leads. On SIGTERM it stops writing, gives the Lease back and ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the cluster")
	identity := flag.String("identity", "", "the name to be elected by")
	lease := flag.Duration("lease-duration", 15*time.Second, "")
	renew := flag.Duration("renew-deadline", 10*time.Second, "")
	retry := flag.Duration("retry-period", 2*time.Second, "")
	flag.Parse()
	if err := run(*kubeconfig, *identity, *lease, *renew, *retry); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig, identity string, lease, renew, retry time.Duration) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// As component-base does it: the lock has a client of its own that gives up early enough.
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, "kube-system", "cloud-controller-manager",
		resourcelock.ResourceLockConfig{Identity: identity}, config, renew)
	if err != nil {
		return err
	}
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	leads, release := context.WithCancel(context.Background())
	defer release()
	var led atomic.Bool
	go func() {
		<-told.Done()
		if !led.Load() {
			release()
		}
	}()
	leaderelection.RunOrDie(leads, leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: lease, RenewDeadline: renew, RetryPeriod: retry, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(lost context.Context) {
				led.Store(true)
				for told.Err() == nil && lost.Err() == nil {
					event(client)
					time.Sleep(20 * time.Millisecond)
				}
				release()
			},
			OnStoppedLeading: func() {},
			OnNewLeader:      func(holder string) { fmt.Fprintf(os.Stderr, "sees %s\n", holder) },
		},
	})
	return nil
}

func event(client kubernetes.Interface) {
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: "written-by-the-leader-", Namespace: "default"},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: "none"},
		Reason:         "Leading",
		Message:        "written by the leader",
	}
	_, _ = client.CoreV1().Events("default").Create(context.Background(), event, metav1.CreateOptions{})
}
